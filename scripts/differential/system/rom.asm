; The ROM that a reset begins with: to flat protected mode and to the harness in RAM, with the harness's own table.
        bits 16
        org 0
        times 0xff00 db 0xff
begin:  cli
        o32 lgdt [cs:pointer]
        mov eax, 0x11
        mov cr0, eax
        jmp dword CODE_32:HARNESS
pointer: dw 0x1f
        dd HARNESS + 8
        times 0xfff0 - ($ - $$) db 0
        jmp 0xf000:begin
        times 0x10000 - ($ - $$) db 0
