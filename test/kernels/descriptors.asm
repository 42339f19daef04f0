; Descriptors as macros. Addresses in them are numbers to the assembler.

COM1            equ 3f8h
EXIT_PORT       equ 0f4h

%define at(place) (((place) - $$) + BASE)
%define PAGE_END times (4096 - (at($) & 4095)) & 4095 db 0

; Base, limit in units, attributes as bits 40-47 and 52-55 of the descriptor.
%macro descriptor 3
        dw (%2) & 0ffffh, (%1) & 0ffffh
        db ((%1) >> 16) & 0ffh, (%3) & 0ffh
        db (((%2) >> 16) & 0fh) | (((%3) >> 4) & 0f0h), ((%1) >> 24) & 0ffh
%endmacro

; Selector, offset, bits 32-47.
%macro gate 3
        dw (%2) & 0ffffh, %1, %3, ((%2) >> 16) & 0ffffh
%endmacro

%macro vector 1
        times idt + (%1) * GATE_SIZE - $ db 0
%endmacro
