; Boots a program in C: 32-bit code with paging, or 64-bit code with LONG. The low 16 MiB are mapped to themselves by pages
; of 4 KiB. The program is called with COUNT; what it returns is sent in hexadecimal digits between the letters.
        bits 16
        org 0x7c00

TABLES          equ 0x80000
STACK           equ 0x7c00
LOADED          equ 0x4c4f4144

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, STACK
        cld
        ; A loader that copies everything has done what the BIOS is asked for here.
        cmp dword [last], LOADED
        je loaded
        mov [drive], dl
        mov ah, 8
        push es
        int 0x13
        pop es
        and cl, 0x3f
        mov [sectors], cl
        inc dh
        mov [heads], dh
        mov di, 1
        mov bx, 0x7e00
.read:  mov ax, di
        div byte [sectors]
        mov cl, ah
        inc cl
        mov ah, 0
        div byte [heads]
        mov ch, al
        mov dh, ah
        mov dl, [drive]
        mov ax, 0x0201
        int 0x13
        jc $
        add bx, 512
        jnc .next
        mov ax, es
        add ah, 0x10
        mov es, ax
.next:  inc di
        cmp di, (image_end - start) / 512
        jb .read
loaded: cli
        in al, 0x92
        or al, 2
        and al, 0xfe
        out 0x92, al
        mov bx, TABLES >> 4
        mov es, bx
        xor eax, eax
        xor di, di
        mov cx, 0xb000 / 4
        rep stosd
%ifdef LONG
        ; PML4, pointers, directory with eight tables, all behind each other.
        mov dword [es:0], TABLES + 0x1007
        mov dword [es:0x1000], TABLES + 0x2007
        mov eax, TABLES + 0x3007
        mov di, 0x2000
.table: stosd
        add di, 4
        add eax, 0x1000
        cmp di, 0x2000 + 8 * 8
        jb .table
        mov al, 0x67
        xor di, di
        mov di, 0x3000
        mov eax, 0x67
.page:  stosd
        add di, 4
        add eax, 0x1000
        cmp di, 0xb000
        jb .page
        mov eax, 0x620
        mov cr4, eax
        mov ecx, 0xc0000080
        mov eax, 0x100
        xor edx, edx
        wrmsr
%else
        mov eax, TABLES + 0x1007
        xor di, di
.table: stosd
        add eax, 0x1000
        cmp di, 4 * 4
        jb .table
        mov eax, 0x67
        mov di, 0x1000
.page:  stosd
        add eax, 0x1000
        cmp di, 0x5000
        jb .page
        mov eax, 0x600
        mov cr4, eax
%endif
        mov eax, TABLES
        mov cr3, eax
        lgdt [gdt_pointer]
        mov eax, 0x80000003
        mov cr0, eax
        jmp 8:entry
drive:  db 0
sectors: db 0
heads:  db 0
        align 8
gdt:
%ifdef LONG
        dq 0, 0x00af9b000000ffff, 0x00cf93000000ffff
%else
        dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
%endif
gdt_pointer:
        dw $ - gdt - 1
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0xaa55

%ifdef LONG
        bits 64
%else
        bits 32
%endif
entry:  mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, STACK
        fninit
        ; Zeros where the program's variables lie.
        mov edi, 0x100000
        mov ecx, 0x200000 / 4
        xor eax, eax
        rep stosd
        mov dx, 0x3fb
        mov al, 3
        out dx, al
        mov al, 'S'
        call send
%ifdef LONG
        mov edi, COUNT
        call program
%else
        sub esp, 12
        push dword COUNT
        call program
        add esp, 16
%endif
        mov ebx, eax
        mov ecx, 8
.digit: rol ebx, 4
        mov al, bl
        and al, 15
        add al, '0'
        cmp al, '9'
        jbe .send
        add al, 'a' - '9' - 1
.send:  call send
        dec ecx
        jnz .digit
        mov al, 'E'
        call send
        mov al, 0
        out 0xf4, al
        ; The magic breakpoint of Bochs.
        xchg bx, bx
idle:   jmp idle

; A letter to the serial port, when it is free.
send:   mov ah, al
        mov dx, 0x3fd
.wait:  in al, dx
        test al, 0x40
        jz .wait
        mov al, ah
        mov dl, 0xf8
        out dx, al
        mov dl, 0xfd
.sent:  in al, dx
        test al, 0x40
        jz .sent
        ret

        align 0x400
program:
        incbin PROGRAM
        align 512
        times 508 db 0
last:   dd LOADED
image_end:
