; The frame of the bench's guests: a boot sector that says S on the first serial port, runs the kernel of the name KERNEL
; COUNT times, says E and asks for the end. Nothing of a BIOS is used, so that it also runs where there is none.
; Places that the bench knows stand at fixed addresses: guest-images.ts has them.
        bits 16
        org 0x7c00
        %include "narrow-registers.inc"

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        ; Not on the page of the code, where QEMU and v86 take every push for a change of code.
        mov sp, 0x7000
        ; Letters of eight bits.
        mov dx, 0x3fb
        mov al, 3
        out dx, al
        mov dl, 0xf8
        mov al, 'S'
        out dx, al
        xor ax, ax
        mov bx, 0x1234
        mov cx, 0x5678
        mov dx, 0x9abc
        xor si, si
        xor di, di
        mov ebp, COUNT
        jmp again
        times 0x40 - ($ - $$) db 0
again:
        %include KERNEL
        dec ebp
        jnz near again
        mov dx, 0x3f8
        mov al, 'E'
        out dx, al
        mov dl, 0xfd
.sent:  in al, dx
        test al, 0x40
        jz .sent
        mov al, 0
        out 0xf4, al
        ; The magic breakpoint of Bochs.
        xchg bx, bx
idle:   cli
        hlt
        jmp idle
        %ifmacro routines
        routines
        %endif
        times 0x1f8 - ($ - $$) db 0
        ; Never executed and never read: a breakpoint stands here, and the word is watched.
aside:  nop
        nop
        dw 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
