; As paged-loop.asm without paging, on two processors: the second is started, and answers each message (vector 40h of its
; local APIC) by one to the first.
        bits 16
        org 0x7c00

TRAMPOLINE      equ 0x8000
READY           equ 0x9000
INTERRUPTS      equ 0x12000
INTERRUPTS_2    equ 0x13000
APIC_EOI        equ 0xfee000b0
APIC_SVR        equ 0xfee000f0
APIC_ICR        equ 0xfee00300
APIC_ICR_TO     equ 0xfee00310

start:  cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 0x7000
        mov [READY], al
        ; No interrupts but those of the APICs.
        dec ax
        out 0x21, al
        out 0xa1, al
        mov si, trampoline
        mov di, TRAMPOLINE
        mov cx, trampoline_end - trampoline
        rep movsb
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:protected

; Where the second processor begins, in a segment of its own.
trampoline:
        cli
        xor ax, ax
        mov ds, ax
        lgdt [gdt_pointer]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:second
trampoline_end:

        bits 32
protected:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x7000
        mov dword [INTERRUPTS + 0x40 * 8], 0x80000 + answered
        mov dword [INTERRUPTS + 0x40 * 8 + 4], 0x8e00
        mov dword [INTERRUPTS_2 + 0x40 * 8], 0x80000 + asked
        mov dword [INTERRUPTS_2 + 0x40 * 8 + 4], 0x8e00
        lidt [idt_pointer]
        mov dword [APIC_SVR], 0x1ff
        mov dword [APIC_ICR_TO], 1 << 24
        mov dword [APIC_ICR], 0x4500
        mov ecx, 2000000
        loop $
        mov dword [APIC_ICR], 0x4600 | TRAMPOLINE >> 12
.there: pause
        cmp byte [READY], 0
        je .there
        %include "say-start.inc"
        mov ebp, COUNT
again:
        %include KERNEL
        %include "say-end.inc"
idle:   cli
        hlt
        jmp idle

second: mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x6000
        lidt [idt_pointer_2]
        mov dword [APIC_SVR], 0x1ff
        mov dword [APIC_ICR_TO], 0
        mov byte [READY], 1
.wait:  sti
        hlt
        jmp .wait
asked:  mov dword [APIC_EOI], 0
        mov dword [APIC_ICR], 0x4040
        iretd
answered:
        mov dword [APIC_EOI], 0
        iretd
        align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
idt_pointer:
        dw 0x207
        dd INTERRUPTS
idt_pointer_2:
        dw 0x207
        dd INTERRUPTS_2
        times 510 - ($ - $$) db 0
        dw 0xaa55
