; As loop.asm, in 32-bit protected mode with paging: the low 4 MiB are mapped to themselves. Vector 14 goes on behind the
; five bytes of the instruction that faulted, vector 20h returns. With USER the kernel runs at level 3, with UNITS it may use
; x87 and SSE.
        bits 16
        org 0x7c00
        %include "narrow-registers.inc"

DIRECTORY       equ 0x10000
TABLE           equ 0x11000
INTERRUPTS      equ 0x12000
TASK            equ 0x13000
STACK           equ 0x6000

start:  cli
        xor ax, ax
        mov ds, ax
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:protected

        bits 32
protected:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7000
        cld
        mov edi, DIRECTORY
        mov ecx, 0x400
        xor eax, eax
        rep stosd
        mov edi, TABLE
        mov al, 0x67
.page:  stosd
        add eax, 0x1000
        cmp edi, TABLE + 0x1000
        jb .page
        mov dword [DIRECTORY], TABLE + 0x27
        mov eax, DIRECTORY
        mov cr3, eax
        mov dword [INTERRUPTS + 14 * 8], 0x80000 + skip
        mov dword [INTERRUPTS + 14 * 8 + 4], 0x8e00
        mov dword [INTERRUPTS + 0x20 * 8], 0x80000 + return
        mov dword [INTERRUPTS + 0x20 * 8 + 4], 0xee00
        lidt [idt_pointer]
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
%ifdef UNITS
        mov eax, 0x600
        mov cr4, eax
        fninit
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
        ; Level 3, which may use ports; the task-state segment has the stack of level 0.
        mov dword [TASK + 4], STACK
        mov dword [TASK + 8], 0x10
        mov ax, 0x28
        ltr ax
        push byte 0x23
        push dword 0x7000
        push dword 0x3002
        push byte 0x1b
        push dword again
        iretd
%else
        jmp again
%endif
        align 16
again:
        %include KERNEL
        %include "say-end.inc"
idle:   cli
        hlt
        jmp idle
skip:   add esp, 4
        add dword [esp], 5
return:
        %ifmacro on_interrupt
        on_interrupt
        %endif
        iretd
        %ifmacro routines
        routines
        %endif
        align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
        dq (TASK & 0xffffff) << 16 | 0x0000890000000067
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
idt_pointer:
        dw 0x107
        dd INTERRUPTS
        times 510 - ($ - $$) db 0
        dw 0xaa55
