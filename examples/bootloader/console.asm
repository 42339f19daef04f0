; Printing through the BIOS (INT 10h, AH = 0Eh: teletype). It is in the boot sector, and stage 2 calls it there.

; DS:SI = text.
print_text:
        pusha
.next:
        lodsb
        test al, al
        jz .done
        call print_character
        jmp .next
.done:
        popa
        ret

; EAX = value, CX = number of digits, 1 to 8.
print_hex:
        pushad
        mov dx, cx
        neg cx
        add cx, 8
        shl cx, 2
        rol eax, cl                     ; bring the first digit to the top
        mov cx, dx
.next:
        rol eax, 4
        push eax
        and al, 0x0f
        mov bx, hex_digits
        xlatb                           ; AL = [BX + AL]
        call print_character
        pop eax
        loop .next
        popad
        ret

; AL = character. Changes AH and BX.
print_character:
        mov ah, 0x0e
        mov bx, 0x0007                  ; page 0, light grey
        int 0x10
        ret

hex_digits      db "0123456789ABCDEF"
