" dsl/editors/vim/indent/larder.vim -- two blanks a block, four for a list that goes on: as larder fmt does.
if exists('b:did_indent')
  finish
endif
let b:did_indent = 1

setlocal indentexpr=LarderIndent() indentkeys=0},o,O,!^F
let b:undo_indent = 'setl inde< indk<'

if exists('*LarderIndent')
  finish
endif

" The line without its texts and its comment.
function! s:Bare(number)
  return substitute(substitute(getline(a:number), '"\%([^"\\]\|\\.\)*"', '""', 'g'), '\s*#.*$', '', '')
endfunction

function! s:GoesOn(number)
  return s:Bare(a:number) =~# '\%(,\|->\|(\)\s*$'
endfunction

function! LarderIndent()
  let previous = prevnonblank(v:lnum - 1)
  while previous > 0 && s:Bare(previous) =~# '^\s*$'
    let previous = prevnonblank(previous - 1)
  endwhile
  if previous == 0
    return 0
  endif
  if s:GoesOn(previous)
    let above = prevnonblank(previous - 1)
    return indent(previous) + (above > 0 && s:GoesOn(above) ? 0 : 4)
  endif
  " Back to the line that began the statement.
  let first = previous
  while first > 1 && s:GoesOn(prevnonblank(first - 1))
    let first = prevnonblank(first - 1)
  endwhile
  let opens = s:Bare(previous) =~# '{\s*$' ? shiftwidth() : 0
  let closes = getline(v:lnum) =~# '^\s*}' ? shiftwidth() : 0
  return max([0, indent(first) + opens - closes])
endfunction
