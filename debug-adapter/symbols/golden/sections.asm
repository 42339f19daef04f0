; Sections that run elsewhere than they lie, and space that is only reserved.
LOAD    equ 0x7c00
STAGE2  equ LOAD + (1 << 10)
        org LOAD
        jmp stage2_start
message: db "hello"
section .data
value:  dd 1
section stage2 vstart=STAGE2 follows=.text align=16
stage2_start:
        mov al, [value]
.wait:  jmp .wait
section high vstart=0x100000 follows=stage2 align=16
        bits 32
high_start:
        mov eax, [variable]
        ret
section .bss
buffer: resb 16
count:  resw 2
struc point
.x:     resw 1
.y:     resw 1
endstruc
absolute 0x600
variable: resd 1
other:  resb 4
section stage2
back:   ret
istruc point
at point.x, dw 1
at point.y, dw 2
iend
