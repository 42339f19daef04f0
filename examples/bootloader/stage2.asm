; Stage 2: what a loader does before it hands over to a kernel, one step after the other.

        bits 16

MEMORY_MAP_MAGIC        equ 0x534d4150  ; "SMAP"
VIDEO_SEGMENT           equ 0xa000
PICTURE_WIDTH           equ 320
PICTURE_HEIGHT          equ 200
PICTURE_TICKS           equ 55          ; how long the picture stays: about 3 seconds of the BIOS clock

stage2_start:
        say stage2_hello
        call enable_a20
        call show_memory_map

        say press_a_key
        xor ah, ah                      ; wait for a key: AH = scan code, AL = character
        int 0x16
        mov [key], al
        movzx edx, al
        say you_pressed
        say_hex edx, 2
        say line_end

        call enter_big_real_mode
        call draw_picture
        call visit_protected_mode
        call wait_with_picture

        mov ax, 0x0003                  ; back to text, 80 by 25
        int 0x10
        say visited
        say_hex [protected_answer], 8
        say line_end
        say goodbye
.forever:
        hlt                             ; interrupts stay on: the clock goes on, and so does a debugger's pause
        jmp .forever

; ---------------------------------------------------------------------------------------------------------------------
; The A20 gate. While it is off, address line 20 is held low and the second megabyte shows the first one again. There
; are three ways to switch it on, and no machine that knows them all; so try one after the other and look each time.

enable_a20:
        call is_a20_on
        je .on
        mov ax, 0x2401                  ; ask the BIOS
        int 0x15
        call is_a20_on
        je .on
        in al, 0x92                     ; "fast A20" of the PS/2: bit 1; bit 0 would reset the machine
        or al, 0x02
        and al, 0xfe
        out 0x92, al
        call is_a20_on
        je .on
        call switch_a20_by_keyboard_controller
        call is_a20_on
        je .on
        say a20_is_off
.forever:
        hlt
        jmp .forever
.on:
        say a20_is_on
        ret

; ZF = 1 if the gate is on. Changes 0000:7DFE and looks whether FFFF:7E0E, one megabyte higher, changes with it.
is_a20_on:
        push fs
        mov ax, 0xffff
        mov fs, ax
        mov ax, [BOOT_SIGNATURE]
        mov bx, [fs:BOOT_SIGNATURE + 0x10]
        not word [BOOT_SIGNATURE]
        mov cx, [fs:BOOT_SIGNATURE + 0x10]
        mov [BOOT_SIGNATURE], ax
        pop fs
        cmp bx, cx                      ; equal: it did not change, so it is another cell
        ret

BOOT_SIGNATURE          equ 0x7dfe

; The AT's way: bit 1 of the output port of the keyboard controller.
switch_a20_by_keyboard_controller:
        cli
        call .wait_until_ready
        mov al, 0xd1                    ; "write output port"
        out 0x64, al
        call .wait_until_ready
        mov al, 0xdf                    ; A20 on, no reset
        out 0x60, al
        call .wait_until_ready
        sti
        ret
.wait_until_ready:
        in al, 0x64
        test al, 0x02                   ; input buffer full
        jnz .wait_until_ready
        ret

; ---------------------------------------------------------------------------------------------------------------------
; The memory map, entry by entry (INT 15h, EAX = E820h). EBX carries the position from call to call, 0 at both ends.

show_memory_map:
        say map_heading
        xor ebx, ebx
.next:
        mov eax, 0xe820
        mov edx, MEMORY_MAP_MAGIC
        mov ecx, 24
        mov di, memory_map_entry
        int 0x15
        jc .done                        ; some BIOSes end like this
        cmp eax, MEMORY_MAP_MAGIC
        jne .done
        call show_memory_map_entry
        test ebx, ebx
        jnz .next
.done:
        ret

show_memory_map_entry:
        push ebx
        say two_spaces
        say_hex [memory_map_entry.base + 4], 8
        say_hex [memory_map_entry.base], 8
        say two_spaces
        say_hex [memory_map_entry.length + 4], 8
        say_hex [memory_map_entry.length], 8
        say two_spaces
        mov si, type_usable
        cmp dword [memory_map_entry.type], 1
        je .print
        mov si, type_reserved
.print:
        call print_text
        pop ebx
        ret

; ---------------------------------------------------------------------------------------------------------------------
; A picture in mode 13h: 320 by 200 pixels, one byte each, at A000:0000. Colours 32 and up are the wheel of the default
; palette; distance from the middle picks the colour, which makes rings.

draw_picture:
        mov ax, 0x0013
        int 0x10
        push es
        mov ax, VIDEO_SEGMENT
        mov es, ax
        xor di, di
        mov dx, -(PICTURE_HEIGHT / 2)   ; y
.row:
        mov cx, -(PICTURE_WIDTH / 2)    ; x
.pixel:
        mov ax, cx
        imul ax, cx
        mov bx, dx
        imul bx, dx
        add ax, bx
        shr ax, 9                       ; x² + y² over 512: 0 to 69
        add al, 32
        stosb
        inc cx
        cmp cx, PICTURE_WIDTH / 2
        jl .pixel
        inc dx
        cmp dx, PICTURE_HEIGHT / 2
        jl .row
        pop es
        ret

; Waits for a key or PICTURE_TICKS ticks of the BIOS clock, whichever comes first. Sleeps in between.
wait_with_picture:
        call .ticks
        mov di, dx
.sleep:
        hlt
        mov ah, 0x01                    ; is there a key?
        int 0x16
        jnz .take_key
        call .ticks
        sub dx, di
        cmp dx, PICTURE_TICKS
        jb .sleep
        ret
.take_key:
        xor ah, ah
        int 0x16
        ret
.ticks:
        xor ah, ah                      ; CX:DX = ticks since midnight
        int 0x1a
        ret

; ---------------------------------------------------------------------------------------------------------------------

stage2_hello    db "Stage 2: running at 0000:8000", 13, 10, 0
a20_is_on       db "A20 gate: on", 13, 10, 0
a20_is_off      db "A20 gate: cannot be switched on", 13, 10, 0
map_heading     db "Memory map:", 13, 10, 0
two_spaces      db "  ", 0
type_usable     db "usable", 13, 10, 0
type_reserved   db "reserved", 13, 10, 0
press_a_key     db "Press a key for a picture", 13, 10, 0
you_pressed     db "You pressed character ", 0
line_end        db 13, 10, 0
visited         db "Protected mode was visited, it answered ", 0
goodbye         db "All done, the processor sleeps now.", 13, 10, 0

key             db 0

; Variables that need no initial value, in memory that nobody uses: above the BIOS data, below the stack.
        absolute 0x0600
memory_map_entry:
.base           resq 1
.length         resq 1
.type           resd 1
.attributes     resd 1
protected_answer resd 1

        section stage2
