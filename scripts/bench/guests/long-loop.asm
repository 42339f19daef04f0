; As loop.asm, in 64-bit mode with 4-level paging: the low 2 MiB are mapped to themselves. Vector 14 goes on behind the
; seven bytes of the instruction that faulted, vector 20h returns, and SYSCALL leads to SYSRET. With USER the kernel runs at
; level 3, with UNITS it may use x87 and SSE, with AVX also AVX. The guest has two sectors; the BIOS reads the second.
        bits 16
        org 0x7c00
        %define LONG

TABLES          equ 0x10000
INTERRUPTS      equ 0x14000
TASK            equ 0x15000
STACK           equ 0x6000
STAR            equ 0xc0000081
LSTAR           equ 0xc0000082
EFER            equ 0xc0000080

start:  xor eax, eax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7000
        mov ax, 0x0201
        mov bx, 0x7e00
        mov cx, 2
        mov dh, 0
        int 0x13
        cli
        cld
        xor eax, eax
        mov bx, TABLES >> 4
        mov es, bx
        xor di, di
        mov cx, 0x6000 / 2
        rep stosw
        ; PML4, pointers, directory and table, each behind the other.
        mov dword [es:0], TABLES + 0x1027
        mov dword [es:0x1000], TABLES + 0x2027
        mov dword [es:0x2000], TABLES + 0x3027
        mov di, 0x3000
        mov al, 0x67
.page:  stosd
        add di, 4
        add eax, 0x1000
        cmp di, 0x4000
        jb .page
        ; Gates whose handlers lie below 64 KiB, in the segment 8.
        mov eax, 0x80000 + skip
        mov [es:0x4000 + 14 * 16], eax
        mov ax, return
        mov [es:0x4000 + 0x20 * 16], eax
        mov ax, 0xee00
        mov [es:0x4000 + 14 * 16 + 4], ax
        mov [es:0x4000 + 0x20 * 16 + 4], ax
        mov eax, TABLES
        mov cr3, eax
        mov eax, 0x20
        mov cr4, eax
        mov ecx, EFER
        mov eax, 0x101
        xor edx, edx
        wrmsr
        lgdt [gdt_pointer]
        lidt [idt_pointer]
        mov eax, 0x80000001
        mov cr0, eax
        jmp 8:sixty_four
        times 510 - ($ - $$) db 0
        dw 0xaa55

        bits 64
sixty_four:
        mov ecx, LSTAR
        mov eax, fast
        xor edx, edx
        wrmsr
        dec ecx
        mov edx, 0x100008
        wrmsr
%ifdef UNITS
        mov eax, 0x620
        mov cr4, rax
        fninit
%endif
%ifdef AVX
        mov eax, 0x40620
        mov cr4, rax
        xor ecx, ecx
        xor edx, edx
        mov eax, 7
        xsetbv
%endif
        %ifdef PREPARES
        call prepare
        %endif
        %include "say-start.inc"
        xor eax, eax
        mov ebx, 0x1234
        mov ecx, 0x5678
        mov edx, 0x9abc
        xor esi, esi
        xor edi, edi
        mov ebp, COUNT
%ifdef USER
        ; To level 3, which may use ports; the task-state segment has the stack of level 0.
        mov dword [TASK + 4], STACK
        mov cx, 0x28
        ltr cx
        mov ecx, again
        mov r11d, 0x3002
        o64 sysret
%else
        jmp again
%endif
        align 16
again:
        %include KERNEL
        %include "say-end.inc"
idle:   jmp idle
skip:   add rsp, 8
        add qword [rsp], 7
return:
        %ifmacro on_interrupt
        on_interrupt
        %endif
        iretq
fast:   o64 sysret
        %ifmacro routines
        routines
        %endif
        align 8
gdt:    dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff
        dq (TASK & 0xffffff) << 16 | 0x0000890000000067, 0
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
idt_pointer:
        dw 0x20f
        dd INTERRUPTS
        times 1024 - ($ - $$) db 0
