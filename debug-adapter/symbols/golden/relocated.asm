; A master boot record: loaded at 7C00h, it copies itself to 0600h and goes on there.
        org 0x600
start:
        mov si, 0x7c00
        mov di, start
        mov cx, 256
        rep movsw
        jmp 0:moved
moved:
        hlt
        jmp moved
