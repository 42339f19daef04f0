; A Multiboot kernel that turns on the page tables that follow it and halts: CR4, CR3, EFER and CR0 at REGISTERS, tables
; from TABLES on. They map the first page of the kernel to itself.
        bits 32
        org 0x100000

EFER            equ 0xc0000080

        align 4
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        dd header, 0x100000, 0, 0, start

start:  cli
        mov eax, [registers]
        mov cr4, eax
        mov eax, [registers+4]
        mov cr3, eax
        mov ecx, EFER
        xor edx, edx
        mov eax, [registers+8]
        wrmsr
        mov ebx, [registers+12]
        mov al, '.'
        mov cr0, ebx
        out 0xe9, al
halted: hlt
        jmp halted

        align 0x1000
registers:
