; A 32-bit kernel with paging, two privilege levels, a task gate, a call gate, system calls by INT and SYSENTER, a local
; descriptor table and a virtual-8086 monitor. It tells what it does on COM1 and ends by the exit device.

GATE_SIZE       equ 8
DIRECTORY       equ 200000h
TABLE           equ 201000h
STACK           equ 210000h
CALL_STACK      equ 211000h     ; of SYSENTER
OTHER_STACK     equ 212000h

KERNEL_CODE     equ 08h         ; SYSENTER wants these four in a row
KERNEL_DATA     equ 10h
USER_CODE       equ 18h | 3
USER_DATA       equ 20h | 3
TASK            equ 28h
OTHER_TASK      equ 30h
LOCAL           equ 38h
CALL_GATE       equ 40h | 3
LOCAL_DATA      equ 0 | 4 | 3

PRINT           equ 1
ENTER_VIRTUAL   equ 2

        bits 32
start:
        lgdt [gdt_pointer]
        jmp KERNEL_CODE:.loaded
.loaded:
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        cld
        ; The first 4 MiB to themselves, for the kernel; the pages of the user for both.
        mov edi, DIRECTORY
        mov ecx, 1024
        xor eax, eax
        rep stosd
        mov dword [DIRECTORY], TABLE + 7
        mov edi, TABLE
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
        and al, 0fbh
        add eax, 1000h
        cmp edi, TABLE + 1000h
        jb .page
        mov eax, DIRECTORY
        mov cr3, eax
        mov eax, cr0
        or eax, 80010000h
        mov cr0, eax
        lidt [idt_pointer]
        mov ax, LOCAL
        lldt ax
        mov ax, TASK
        ltr ax
        mov ecx, 174h
        xor edx, edx
        mov eax, KERNEL_CODE
        wrmsr
        inc ecx
        mov eax, CALL_STACK
        wrmsr
        inc ecx
        mov eax, fast_call
        wrmsr
        mov esi, text_kernel
        call print
        push USER_DATA
        push user_stack
        push 2
        push USER_CODE
        push user
to_user:
        iretd

; ESI: a text. It ends with a zero.
print:
        push eax
        push edx
        push esi
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
.done:  pop esi
        pop edx
        pop eax
        ret

; EAX as eight digits.
print_number:
        pushad
        mov edi, digits
        mov ecx, 8
        mov edx, eax
.digit: rol edx, 4
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
        popad
        ret

; INT 30h: EAX says what.
system_call:
        push ds
        push es
        push eax
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        pop eax
        cmp eax, ENTER_VIRTUAL
        je enter_virtual
        call print
        pop es
        pop ds
        iretd

fast_call:
        call print
        sysexit

; By the call gate, with one parameter: a text.
by_gate:
        mov esi, [esp + 8]
        call print
        retf 4

page_fault:
        pushad
        mov esi, text_fault
        call print
        mov eax, [esp + 32]
        call print_number
        mov esi, text_at
        call print
        mov eax, cr2
        call print_number
        mov esi, text_line
        call print
        mov dword [esp + 36], user.resumed
        popad
        add esp, 4
        iretd

enter_virtual:
        push 0
        push 0
        push REACH
        push REACH
        push REACH
        push at(virtual_stack) - REACH * 16
        push 20002h
        push REACH
        push at(virtual) - REACH * 16
to_virtual:
        iretd

; What programs in virtual-8086 mode may not do themselves. Stack: error code, EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS.
protection:
        pushad
        mov ax, KERNEL_DATA
        mov ds, ax
        mov es, ax
        test dword [esp + 32 + 12], 20000h
        jz .unexpected
        movzx ebx, word [esp + 32 + 8]
        shl ebx, 4
        add ebx, [esp + 32 + 4]
        cmp byte [ebx], 0f4h
        je finish
        mov esi, text_virtual
        call print
        movzx eax, word [esp + 28]
        call print_number
        mov esi, text_line
        call print
        add dword [esp + 32 + 4], 2
        popad
        add esp, 4
        iretd
.unexpected:
        mov esi, text_unexpected
        call print
finish:
        mov esi, text_done
        call print
        xor eax, eax
        mov dx, EXIT_PORT
        out dx, eax
        hlt

; The other task, which INT 31h enters.
other:
        mov esi, text_other
        call print
        iretd
        jmp other

        align 8
gdt:    dq 0
        descriptor 0, 0fffffh, 0c9bh
        descriptor 0, 0fffffh, 0c93h
        descriptor 0, 0fffffh, 0cfbh
        descriptor 0, 0fffffh, 0cf3h
        descriptor at(tss), tss_end - tss - 1, 089h
        descriptor at(other_tss), 67h, 089h
        descriptor at(ldt), 7, 082h
        gate KERNEL_CODE, at(by_gate), 0ec01h
gdt_end:
ldt:    descriptor at(user_data), 0fh, 4f2h
gdt_pointer:
        dw gdt_end - gdt - 1
        dd gdt
idt_pointer:
        dw idt_end - idt - 1
        dd idt
        align 8
idt:
        vector 0dh
        gate KERNEL_CODE, at(protection), 8e00h
        gate KERNEL_CODE, at(page_fault), 8e00h
        vector 30h
        gate KERNEL_CODE, at(system_call), 0ee00h
        gate OTHER_TASK, 0, 0e500h
idt_end:

; A switch back loads page tables and local table from here; it does not save them.
tss:    dd 0, STACK, KERNEL_DATA, 0, 0, 0, 0, DIRECTORY
        times 96 - ($ - tss) db 0
        dd LOCAL
        dw 0, 104
        ; Ports 0 to FFh, of which the user has one.
        times 0e9h / 8 db 0ffh
        db 0ffh & ~(1 << (0e9h % 8))
        times 104 + 32 - ($ - tss) db 0ffh
        db 0ffh
tss_end:
other_tss:
        times 28 db 0
        dd DIRECTORY, other, 2
        dd 0, 0, 0, 0, OTHER_STACK, 0, 0, 0
        dd KERNEL_DATA, KERNEL_CODE, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA, KERNEL_DATA, 0
        dw 0, 104

text_kernel:     db `kernel: paging is on\n`, 0
text_fault:      db `page fault: error `, 0
text_at:         db ` at `, 0
text_line:       db `\n`, 0
text_virtual:    db `monitor: INT with AX `, 0
text_other:      db `other task\n`, 0
text_unexpected: db `not expected: `, 0
text_done:       db `done\n`, 0
digits:          db `00000000`, 0

        PAGE_END
user_begin:
user:
        mov ax, USER_DATA
        mov ds, ax
        mov es, ax
        mov ax, LOCAL_DATA
        mov fs, ax
        mov al, '.'
        out 0e9h, al
        mov eax, PRINT
        mov esi, text_user
        call by_interrupt
        mov esi, text_fast
        mov ecx, esp
        mov edx, .back
        sysenter
.back:
        push text_gate
        call CALL_GATE:0
.faults:
        mov eax, [DIRECTORY]
.resumed:
        int 31h
        mov eax, [fs:4]
        mov esi, eax
        mov eax, PRINT
        call by_interrupt
        mov eax, ENTER_VIRTUAL
        int 30h

by_interrupt:
        int 30h
        ret

        bits 16
virtual:
        mov ax, 1234h
.call:  int 21h
        mov ax, 5678h
        int 21h
        hlt

        align 4
user_data:
        dd 0, text_local, 0, 0
text_user:      db `user: INT\n`, 0
text_fast:      db `user: SYSENTER\n`, 0
text_gate:      db `user: call gate\n`, 0
text_local:     db `user: LDT\n`, 0
        times 256 db 0
virtual_stack:
        times 512 db 0
user_stack:
        PAGE_END
user_end:
SECTORS         equ (at($) - 7e00h) / 512 + 1
        times 512 db 0
