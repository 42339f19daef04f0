; Includes, macros, repetitions, conditions and every way to write a label.
        cpu 386
        org 0x7c00
%define TABLE "table.inc"
%macro put 1-2 0x0e
        mov ax, (%2 << 8) | %1
        int 0x10
%endmacro
%macro named 1
%1:     nop
.inside: nop
%%own:  jmp %%own
%endmacro
%macro load_file 1
%include %1
        sti
%endmacro
%macro hidden 0.nolist
        mov ax, 1
        mov bx, 2
%endmacro

start:
        xor ax, ax
.again: mov cx, \
                16
        loop .again
        put 'A'
labelled: put 'B', 0x0a
        named first
        hidden
%include "print.inc"
        load_file "nested/deep.inc"
%include TABLE
%rep 2
        inc ax
        put 'C'
%endrep
%if 0
dead:   hlt
%elif 1
alive:  hlt
%else
gone:   hlt
%endif
%ifdef UNKNOWN
never:  cld
%else
always: cld
%endif
bare_data db "a text that is longer than one row of a listing", 0
        times 3 nop
        times 2 db "more than nine bytes, twice"
        align 16
alone
aligned: dw start, aligned - start
        dd 0x12345678
SIZE    equ $ - start
        incbin "blob.bin"
        times 510 - ($ - $$) db 0
        dw 0xaa55
