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
        %include "say-start.inc"
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
        %include "say-end.inc"
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
