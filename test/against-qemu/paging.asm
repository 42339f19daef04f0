; A Multiboot kernel that tries accesses under page tables and says on port E9h what came of them. The cases follow the
; image: a count, then for each CR0, CR4, CR3, EFER, kind (0 read, 1 write, 2 fetch, 3 load of a segment register from an
; LDT at the address), user, address, EFLAGS.AC, and 29 entries of eight bytes with which all tables are filled over and
; over (in 32-bit paging with their low halves). Six pages of tables at TABLES, four of data behind them, which are INT3
; throughout. The kernel itself is mapped by the first entry of the first table.
; Answers: vector, error code, EIP, EAX, CR2, and address and value of each double word that has changed, then 0.
        bits 32
        org 0x100000

POINTERS        equ 0x20b000
KERNEL_TABLE    equ 0x20c000
KERNEL_TABLE_PAE equ 0x20d000
CASE_HEADER     equ 32

CODE            equ 0x08
FLAT            equ 0x10
USER_CODE       equ 0x1b
USER_FLAT       equ 0x23
TASK            equ 0x28
LOCAL           equ 0x30
; The first descriptor of the LDT, level 3.
IN_LOCAL        equ 7

        align 4
header: dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
        dd header, 0x100000, 0, 0, start

start:  cli
        lgdt [gdt_pointer]
        jmp CODE:.flat
.flat:  mov ax, FLAT
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, stack
        lidt [idt_pointer]
        call fill_interrupts
        call fill_kernel_tables
        mov ax, TASK
        ltr ax
        mov dword [current], cases + 4
next_case:
        mov esp, stack
        mov ebx, [current]
        dec dword [cases]
        js finished
        call fill_tables
        mov dword [TABLES], KERNEL_TABLE + 0x27
        cmp ebp, 8
        je .narrow
        mov dword [TABLES], KERNEL_TABLE_PAE + 0x27
        mov dword [TABLES+4], 0
.narrow:
        mov eax, [ebx+24]
        mov [gdt+LOCAL+2], ax
        shr eax, 16
        mov [gdt+LOCAL+4], al
        mov [gdt+LOCAL+7], ah
        mov ax, LOCAL
        lldt ax
        mov eax, [ebx+12]
        test eax, eax
        jz .no_efer
        xor edx, edx
        mov ecx, 0xc0000080
        wrmsr
.no_efer:
        mov eax, [ebx+8]
        mov cr3, eax
        mov eax, [ebx+4]
        mov cr4, eax
        mov eax, [ebx]
        mov cr0, eax
        mov esi, [ebx+24]
        mov edi, [ebx+16]
        mov eax, 0x11223344
        cmp dword [ebx+20], 0
        jne .user
        cmp dword [ebx+28], 0
        je .supervisor
        stac
.supervisor:
        jmp [supervisor_code+edi*4]
.user:  mov ecx, USER_FLAT
        mov ds, ecx
        push dword USER_FLAT
        push dword 0
        push dword 2
        push dword USER_CODE
        push dword [user_code+edi*4]
        iret

finished:
        mov al, 0
        out 0xf4, al
        hlt

%macro accesses 1
%1_read:
        mov eax, [esi]
        int 0x80
%1_write:
        mov [esi], eax
        int 0x80
%1_fetch:
        jmp esi
%1_local:
        mov eax, IN_LOCAL
        mov fs, ax
        int 0x80
%endmacro
        accesses supervisor
supervisor_code:
        dd supervisor_read, supervisor_write, supervisor_fetch, supervisor_local
user_code:
        dd user_read, user_write, user_fetch, user_local

; The stack holds vector and error code.
taken:  mov ebp, cr0
        and ebp, 0x7fffffff
        mov cr0, ebp
        mov ebp, FLAT
        mov ds, ebp
        mov es, ebp
        mov [found+12], eax
        pop dword [found]
        pop dword [found+4]
        pop dword [found+8]
        mov eax, cr2
        mov [found+16], eax
        xor eax, eax
        mov cr2, eax
        mov ebx, [current]
        cmp dword [ebx+28], 0
        je .no_access_flag
        clac
.no_access_flag:
        xor eax, eax
        mov cr4, eax
        mov fs, eax
        lldt ax
        cmp dword [ebx+12], 0
        je .no_efer
        xor edx, edx
        mov ecx, 0xc0000080
        wrmsr
.no_efer:
        mov esi, found
        mov ecx, 5
.say:   lodsd
        call say
        loop .say
        call say_changes
        add dword [current], CASE_HEADER + ENTRIES_SIZE
        jmp next_case

%include "paging-common.asm"

; Both map the kernel to itself, accessed and dirty; the page of the user's code is open to it.
fill_kernel_tables:
        mov edi, KERNEL_TABLE
        mov ecx, 1024
        mov eax, 0x63
.narrow:
        stosd
        add eax, 0x1000
        loop .narrow
        or byte [KERNEL_TABLE + (user_page >> 12) * 4], 4
        mov edi, KERNEL_TABLE_PAE
        mov ecx, 512
        mov eax, 0x63
.wide:  stosd
        mov dword [edi], 0
        add edi, 4
        add eax, 0x1000
        loop .wide
        or byte [KERNEL_TABLE_PAE + (user_page >> 12) * 8], 4
        mov edi, POINTERS
        mov ecx, 8
        xor eax, eax
        rep stosd
        mov dword [POINTERS], TABLES + 1
        mov dword [POINTERS+8], TABLES + 0x1001
        mov dword [POINTERS+24], TABLES + 0x2001
        ret

fill_interrupts:
        mov edi, idt
        mov eax, stubs
        xor ecx, ecx
.gate:  mov [edi], ax
        mov word [edi+2], CODE
        mov word [edi+4], 0xee00
        mov edx, eax
        shr edx, 16
        mov [edi+6], dx
        add edi, 8
        add eax, 16
        inc ecx
        cmp ecx, 0x81
        jne .gate
        ret

        align 16
stubs:
%assign vector 0
%rep 0x81
        align 16
    %if vector != 8 && (vector < 10 || vector > 14) && vector != 17
        push dword 0
    %endif
        push dword vector
        jmp taken
    %assign vector vector + 1
%endrep

        align 8
gdt:    dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
        dw 0x67, task - $$, 0x8910, 0
        dq 0x000082000000ffff
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
idt_pointer:
        dw 0x81 * 8 - 1
        dd idt
task:   dd 0, stack, FLAT
        times 0x68 - 12 db 0
current: dd 0
found:  times 5 dd 0
        align 8
idt:    times 0x81 * 8 db 0
        times 0x400 db 0
        align 16
stack:

        align 0x1000
user_page equ $ - $$ + 0x100000
        accesses user
        align 0x1000
cases:
