; The guest of the differential run of interrupt controllers: takes steps of a list one by one, and writes down after each
; what the local APIC, the I/O APIC and the 8259s tell, and which interrupts have come. A sequence ends by a reset of the
; machine; a ROM jumps here after it. Numbers are those of layout.ts.

        bits 32
        org HARNESS

        jmp near start
        times 8 - ($ - $$) db 0
        dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0

LOCAL equ 0xfee00000
IO equ 0xfec00000
IDT equ 0x2000
STACK equ 0x7000
; Longer than any interrupt takes to come.
SPINS equ 2000000

start:  mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, STACK
        cld
        mov edi, IDT
        mov eax, stubs
        mov ecx, 256
.gate:  mov ebx, eax
        and ebx, 0xffff
        or ebx, CODE_32 << 16
        mov [edi], ebx
        mov dword [edi + 4], 0x8e00
        add edi, 8
        add eax, 16
        loop .gate
        lidt [idt_pointer]
; Both 8259s, all of their inputs masked; the UARTs with their lines low.
        mov al, 0x11
        out 0x20, al
        out 0xa0, al
        mov al, PIC_VECTORS
        out 0x21, al
        mov al, PIC_VECTORS + 8
        out 0xa1, al
        mov al, 4
        out 0x21, al
        mov al, 2
        out 0xa1, al
        mov al, 1
        out 0x21, al
        out 0xa1, al
        mov al, 0xff
        out 0x21, al
        out 0xa1, al
; The 8259s take levels of the UARTs' lines; the PIT waits for a count.
        mov edx, 0x4d0
        mov al, 0x18
        out dx, al
        mov al, 0x30
        out 0x43, al
        mov edx, UART_4 + 4
        mov al, 8
        out dx, al
        mov edx, UART_3 + 4
        out dx, al
        mov dword [LOCAL + 0x350], 0x10000
        mov dword [LOCAL + 0xf0], 0x1ff
        mov dword [ends], 1

step:   mov esi, [next]
        mov eax, [esi]
        add dword [next], STEP_SIZE
        mov dword [logged], 0
        mov ebx, [esi + 4]
        mov ecx, [esi + 8]
        cmp eax, STEP_END
        je finish
        cmp dword [results], RESULTS_END
        jae finish
        cmp eax, STEP_RESET
        je reset
        cmp eax, STEP_LOCAL
        je local
        cmp eax, STEP_IO
        je io
        cmp eax, STEP_OUT
        je output
        cmp eax, STEP_WINDOW
        je window
        cmp eax, STEP_TIMER
        je timer
        mov [ends], ebx
        jmp report

local:  mov [LOCAL + ebx], ecx
        jmp report

io:     mov [IO], ebx
        mov [IO + 0x10], ecx
        jmp report

output: mov edx, ebx
        mov eax, ecx
        out dx, al
        jmp report

window: sti
        mov ecx, 64
.more:  nop
        loop .more
        cli
        jmp report

; EBX: what the LVT gets, ECX: the count. Its divisor is the third.
timer:  mov eax, [esi + 12]
        mov [LOCAL + 0x3e0], eax
        mov [LOCAL + 0x320], ebx
        mov [LOCAL + 0x380], ecx
        mov edx, ebx
        and edx, 0xff
        mov edi, edx
        shr edi, 5
        shl edi, 4
        and edx, 31
        mov ecx, SPINS
        test ebx, 0x20000
        jnz .waiting
.count: cmp dword [LOCAL + 0x390], 0
        je .zero
        loop .count
.zero:  mov ecx, SPINS
        test ebx, 0x10000
        jz .waiting
; Nothing will come of a masked one; a moment to see that.
        mov ecx, 500
.moment: mov eax, [LOCAL + 0x390]
        loop .moment
        jmp .end
.waiting:
        bt [LOCAL + edi + 0x200], edx
        jc .end
        loop .waiting
.end:   mov dword [LOCAL + 0x380], 0
        jmp report

reset:  lidt [no_idt]
        int3

finish: xor eax, eax
        out 0xf4, al
        hlt

report: mov edi, [results]
        mov eax, [next]
        stosd
        mov esi, registers
        mov ecx, REGISTERS
.local: lodsd
        mov eax, [LOCAL + eax]
        stosd
        loop .local
        xor eax, eax
        cmp dword [LOCAL + 0x390], 0
        setne al
        stosd
        mov ecx, 0
.pin:   lea eax, [0x10 + ecx]
        mov [IO], eax
        mov eax, [IO + 0x10]
        stosd
        inc ecx
        cmp ecx, PINS * 2
        jb .pin
        mov edx, 0x20
.pic:   mov al, 0x0a
        out dx, al
        in al, dx
; IR0 is the PIT's, which counts by real time.
        and eax, 0xfe
        stosd
        mov al, 0x0b
        out dx, al
        in al, dx
        movzx eax, al
        stosd
        inc edx
        in al, dx
        dec edx
        movzx eax, al
        stosd
        add edx, 0x80
        cmp edx, 0xa0
        je .pic
        mov eax, [logged]
        stosd
        mov esi, log
        mov ecx, LOG_SIZE
        rep movsd
        mov [results], edi
        mov edi, log
        mov ecx, LOG_SIZE
        xor eax, eax
        rep stosd
        jmp step

        align 16
stubs:
%assign n 0
%rep 256
        push dword n
        jmp near taken
        align 16
%assign n n + 1
%endrep

taken:  pushad
        mov ebx, [esp + 32]
        mov edx, [logged]
        cmp edx, LOG_SIZE
        jae .full
        mov eax, [LOCAL + 0xa0]
        shl eax, 8
        or eax, ebx
        mov [log + edx * 4], eax
.full:  inc dword [logged]
        cmp ebx, 2
        je .done
        cmp ebx, PIC_VECTORS
        jb .local
        cmp ebx, PIC_VECTORS + 16
        jae .local
        mov al, 0x20
        cmp ebx, PIC_VECTORS + 8
        jb .master
        out 0xa0, al
.master: out 0x20, al
        jmp .level
.local: movzx eax, byte [LOCAL + 0xf0]
        cmp ebx, eax
        je .done
        test byte [ends], 1
        jz .level
        mov dword [LOCAL + 0xb0], 0
; A level that nobody lowers would come for ever.
.level: cmp dword [logged], 6
        jb .done
        xor eax, eax
        mov edx, UART_4 + 1
        out dx, al
        mov edx, UART_3 + 1
        out dx, al
        cmp dword [logged], LOG_SIZE
        jb .done
        and dword [esp + 44], ~0x200
.done:  popad
        add esp, 4
        iretd

        align 4
next:   dd SCRIPTS
results: dd RESULTS
logged: dd 0
ends:   dd 1
log:    times LOG_SIZE dd 0
registers: REGISTER_OFFSETS
idt_pointer:
        dw 0x7ff
        dd IDT
no_idt: dw 0
        dd 0
