; Code that runs in the upper half of 64-bit mode: above its origin, and in a section with a start of its own.
KERNEL  equ 0xffffffff80000000
DIRECT  equ -1 << 47
        bits 64
        org KERNEL + 100000h
start:
        lea rax, [rel start]
        mov rbx, qword table
.again:
        dec rcx
        jnz .again
        jmp qword [rel pointer]
pointer:
        dq far_away
        section .direct vstart=DIRECT+1000h follows=.text align=16
far_away:
        nop
table:  dq pointer
