; What a kernel begins with that boots from a disk: a boot sector that reads the rest behind itself and goes to protected mode.
; It leads to `start`, in 32-bit code with flat segments and interrupts off.

BASE            equ 7c00h
; The segment in which code in virtual-8086 mode reaches this image.
REACH           equ 0
        org 7c00h
        bits 16
        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7c00h
        cld
        mov ax, 0200h + SECTORS
        mov bx, 7e00h
        mov cx, 2
        mov dh, 0
        int 13h
        jc $
        cli
        in al, 92h
        or al, 2
        out 92h, al
        lgdt [boot_table]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp dword 8:protected

        bits 32
protected:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        jmp start

        align 8
boot_gdt:
        dq 0, 00cf9b000000ffffh, 00cf93000000ffffh
boot_table:
        dw 23
        dd boot_gdt
        times 510 - ($ - $$) db 0
        dw 0aa55h
