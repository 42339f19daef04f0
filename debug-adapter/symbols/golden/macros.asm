; What macros expand to, line by line: nested, overloaded, repeated, defined by macros, behind a single-line macro.
        org 0x7c00
%include "say.inc"
%define SAYX say 'x'
start:
        mov ah, 0x0e
        xor bx, bx
        say 'a'
after:  say 'b', 8
lab2    say 1, 2, 3
        thrice 'q'
        SAYX
%imacro anycase 0
        clc
        stc
%endmacro
        ANYCASE
%macro defines 1
  %macro %1 0
        cld
        std
  %endmacro
        %1
%endmacro
        defines inner
        inner
        jmp $
        times 510-($-$$) db 0
        dw 0xaa55
