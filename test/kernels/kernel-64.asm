; A 64-bit kernel with paging, two privilege levels, system calls by INT and SYSCALL, a call gate, compatibility mode and a stack
; of its own for page faults. Its tables, and the handler of INT 31h, are used at addresses of the upper half. It tells what it
; does on COM1 and ends by the exit device.

GATE_SIZE       equ 16
TABLES          equ 200000h     ; PML4, PDPT, PD, PT of the first 2 MiB, PDPT of the upper half
STACK           equ 210000h
CALL_STACK      equ 211000h     ; of SYSCALL
FAULT_STACK     equ 212000h
HIGH            equ 0ffffffff80000000h
EFER            equ 0c0000080h
STAR            equ 0c0000081h
LSTAR           equ 0c0000082h
FMASK           equ 0c0000084h

KERNEL_CODE     equ 08h         ; SYSCALL and SYSRET want these five in a row
KERNEL_DATA     equ 10h
USER_32         equ 18h | 3
USER_DATA       equ 20h | 3
USER_CODE       equ 28h | 3
TASK            equ 30h         ; two places each
LOCAL           equ 40h
CALL_GATE       equ 50h | 3
PRINT           equ 1
FINISH          equ 2

        bits 32
start:
        mov esp, STACK
        cld
        mov edi, TABLES
        mov ecx, 5 * 1024
        xor eax, eax
        rep stosd
        mov dword [TABLES], TABLES + 1007h
        mov dword [TABLES + 511 * 8], TABLES + 4003h
        mov dword [TABLES + 1000h], TABLES + 2007h
        mov dword [TABLES + 2000h], TABLES + 3007h
        mov dword [TABLES + 2008h], 200083h
        mov dword [TABLES + 4000h + 510 * 8], TABLES + 2003h
        ; The first 2 MiB to themselves, for the kernel; the pages of the user for both.
        mov edi, TABLES + 3000h
        mov eax, 3
.page:  mov edx, eax
        and edx, 0fffff000h
        cmp edx, user_begin
        jb .kernel
        cmp edx, user_end
        jae .kernel
        or al, 4
.kernel:
        stosd
        add edi, 4
        and al, 0fbh
        add eax, 1000h
        cmp edi, TABLES + 4000h
        jb .page
        mov eax, cr4
        or al, 20h
        mov cr4, eax
        mov eax, TABLES
        mov cr3, eax
        mov ecx, EFER
        rdmsr
        or eax, 101h
        wrmsr
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax
        lgdt [gdt_pointer]
to_long:
        jmp KERNEL_CODE:in_long

        bits 64
        default abs
in_long:
        xor eax, eax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov rsp, STACK
        lgdt [high_gdt_pointer]
        lidt [idt_pointer]
        mov ax, LOCAL
        lldt ax
        mov ax, TASK
        ltr ax
        mov ecx, STAR
        mov edx, (18h | 3) << 16 | KERNEL_CODE
        xor eax, eax
        wrmsr
        mov ecx, LSTAR
        mov rdx, HIGH >> 32
        mov eax, fast_call + 80000000h
        wrmsr
        mov ecx, FMASK
        xor edx, edx
        mov eax, 200h
        wrmsr
        mov esi, text_kernel
        call print
        push USER_DATA
        push user_stack
        push 2
        push USER_CODE
        push user
to_user:
        iretq

; RSI: a text. It ends with a zero.
print:
        push rax
        push rdx
        push rsi
.next:  lodsb
        test al, al
        jz .done
        mov ah, al
        mov dx, COM1 + 5
.wait:  in al, dx
        test al, 20h
        jz .wait
        mov dx, COM1
        mov al, ah
        out dx, al
        jmp .next
.done:  pop rsi
        pop rdx
        pop rax
        ret

; RAX as sixteen digits.
print_number:
        push rsi
        mov edi, digits
        mov ecx, 16
        mov rdx, rax
.digit: rol rdx, 4
        mov al, dl
        and al, 0fh
        add al, '0'
        cmp al, '9'
        jbe .store
        add al, 7
.store: stosb
        loop .digit
        mov esi, digits
        call print
        pop rsi
        ret

; INT 30h: EAX says what.
system_call:
        cmp eax, FINISH
        je finish
        call print
        iretq

; SYSCALL leads here by an address of the upper half.
fast_call:
        mov [user_rsp], rsp
        mov rsp, CALL_STACK
        push rcx
        call print
        pop rcx
        mov rsp, [user_rsp]
        o64 sysret

; INT 31h leads here by an address of the upper half.
high_handler:
        mov esi, text_high
        mov rax, print
        call rax
        iretq

by_gate:
        mov esi, text_gate
        call print
        retfq

; On a stack of its own.
page_fault:
        mov esi, text_fault
        call print
        mov rax, [rsp]
        call print_number
        mov esi, text_at
        call print
        mov rax, cr2
        call print_number
        mov esi, text_stack
        call print
        lea rax, [rsp + 48]
        call print_number
        mov esi, text_line
        call print
        mov qword [rsp + 8], user.resumed
        add rsp, 8
        iretq

protection:
        mov esi, text_unexpected
        call print
finish:
        mov esi, text_done
        call print
        xor eax, eax
        mov dx, EXIT_PORT
        out dx, eax
        hlt

        align 8
; Base, limit in units, attributes: a system descriptor of 16 bytes at an address of the upper half.
%macro wide_descriptor 3
        descriptor (%1) + 80000000h, %2, %3
        dd 0ffffffffh, 0
%endmacro

gdt:    dq 0
        descriptor 0, 0fffffh, 0a9bh
        descriptor 0, 0fffffh, 0c93h
        descriptor 0, 0fffffh, 0cfbh
        descriptor 0, 0fffffh, 0cf3h
        descriptor 0, 0fffffh, 0afbh
        wide_descriptor at(tss), tss_end - tss - 1, 089h
        wide_descriptor at(ldt), 7, 082h
        gate KERNEL_CODE, at(by_gate), 0ec00h
        dq 0
gdt_end:
ldt:    descriptor at(user), 0fffh, 4f2h
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
high_gdt_pointer:
        dw gdt_end - gdt - 1
        dq HIGH + at(gdt)
idt_pointer:
        dw idt_end - idt - 1
        dq HIGH + at(idt)

        align 16
idt:
        vector 0dh
        gate KERNEL_CODE, at(protection), 8e00h
        dq 0
        gate KERNEL_CODE, at(page_fault), 8e03h
        dq 0
        vector 30h
        gate KERNEL_CODE, at(system_call), 0ee00h
        dq 0
        gate KERNEL_CODE, at(high_handler) + 80000000h, 0ee00h
        dd 0ffffffffh, 0
idt_end:

        align 8
        dd 0
tss:    dd 0
        dq STACK
        times 52 - ($ - tss) db 0
        dq FAULT_STACK
        times 102 - ($ - tss) db 0
        dw 104
        ; Ports 0 to FFh, of which the user has one.
        times 0e9h / 8 db 0ffh
        db 0ffh & ~(1 << (0e9h % 8))
        times 104 + 32 - ($ - tss) db 0ffh
        db 0ffh
tss_end:

        align 8
user_rsp:
        dq 0
text_kernel:     db `kernel: long mode\n`, 0
text_high:       db `user: INT to the upper half\n`, 0
text_gate:       db `user: call gate\n`, 0
text_fault:      db `page fault: error `, 0
text_at:         db ` at `, 0
text_stack:      db ` on `, 0
text_line:       db `\n`, 0
text_unexpected: db `not expected: `, 0
text_done:       db `done\n`, 0
digits:          db `0000000000000000`, 0

        PAGE_END
user_begin:
user:
        mov al, '.'
        out 0e9h, al
        mov eax, PRINT
        mov esi, text_user
        call by_interrupt
        mov esi, text_fast
        syscall
        int 31h
        call far dword [gate_pointer]
.faults:
        mov rax, [TABLES]
.resumed:
        push USER_32
        push compatible
        retfq

by_interrupt:
        int 30h
        ret

        bits 32
compatible:
        mov ax, USER_DATA
        mov ds, ax
        mov es, ax
        mov eax, PRINT
        mov esi, text_compatible
        int 30h
.back:  jmp USER_CODE:ending

        bits 64
ending:
        mov esi, text_ending
        mov eax, PRINT
        call by_interrupt
        mov eax, FINISH
        int 30h

        align 8
gate_pointer:
        dd 0
        dw CALL_GATE
text_user:       db `user: INT\n`, 0
text_fast:       db `user: SYSCALL\n`, 0
text_compatible: db `user: compatibility mode\n`, 0
text_ending:     db `user: 64-bit mode again\n`, 0
        times 512 db 0
        align 16
user_stack:
        PAGE_END
user_end:
SECTORS         equ (at($) - 7e00h) / 512 + 1
        times 512 db 0
