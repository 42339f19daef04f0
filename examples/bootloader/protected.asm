; The 32-bit code. It runs above the first megabyte and sees memory flat: offsets are linear addresses. It draws a frame
; around the picture that real mode has drawn.

PROTECTED_ADDRESS       equ 0x100000    ; the second megabyte starts here: A20 must be on
PROTECTED_STACK_TOP     equ STACK_TOP - 0x100   ; below the stack of real mode
ANSWER                  equ 0x386       ; what the 32-bit code brings back
FRAME_COLOUR            equ 15          ; white

        bits 32

protected_start:
        mov ax, FLAT_DATA
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, PROTECTED_STACK_TOP

        mov edi, VIDEO_SEGMENT * 16
        call draw_line
        mov edi, VIDEO_SEGMENT * 16 + (PICTURE_HEIGHT - 1) * PICTURE_WIDTH
        call draw_line
        mov edi, VIDEO_SEGMENT * 16
        mov ecx, PICTURE_HEIGHT
.sides:
        mov byte [edi], FRAME_COLOUR
        mov byte [edi + PICTURE_WIDTH - 1], FRAME_COLOUR
        add edi, PICTURE_WIDTH
        loop .sides

        mov dword [protected_answer], ANSWER
        jmp REAL_CODE:leave_protected_mode

; EDI = leftmost pixel.
draw_line:
        mov ecx, PICTURE_WIDTH
        mov al, FRAME_COLOUR
        rep stosb
        ret

protected_end:
PROTECTED_SIZE          equ protected_end - protected_start
