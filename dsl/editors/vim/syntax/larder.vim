" dsl/editors/vim/syntax/larder.vim -- the colours of larder policies.
if exists('b:current_syntax')
  finish
endif
let s:cpo = &cpo
set cpo&vim

" A word ends at a blank or a mark: `menu.item` and `half-open` are one.
syn iskeyword @,48-57,_,-,.
syn case match

syn keyword larderItem alert breaker defaults guarantee guard larder let namespace on profile session test use warm
syn keyword larderClause absent at between coalesce compress cookie demote depends encrypt evict every for from key learn limit log migrate open probe ramp refuse retry source stale static store tag tiers ttl version watch with write
syn keyword larderAction always default drop drops end event expect expire expires fail load move never no put recover refresh refreshes rename rule serve
syn keyword larderOutcome closed dropped ended everything expired fails half-open hit kept miss served warmed
syn keyword larderWord above accepts after and aside before behind change entries error except failures form header hits holding if in is jitter json least matching misses most of older once or per priority query remove revalidating second sliding slower startup status strip than then through to today unless user value wait when while without
syn keyword larderEnv env nextgroup=larderVariable skipwhite
syn keyword larderValue adaptive auto false fifo lfu lru none s3fifo true
syn keyword larderMethod DELETE GET HEAD OPTIONS PATCH POST PUT

syn match larderVariable "\h\w*" contained
syn match larderName "\%(\<namespace\s\+\)\@16<=\h[0-9A-Za-z_.-]*"
syn match larderNumber "\<\d\+\%(\.\d\+\)\?\%(ms\|[smhdw]\|[KMGT]\?i\?B\|%\)\?\%(\d\+\%(ms\|[smhdw]\)\)*"
syn match larderNumber "\<\d\d:\d\d\>"
syn match larderNumber "\<[1-5]xx\>"
syn match larderMark "->\|[<>]=\?\|="
syn match larderCapture "{\h\w*}\ze\s\+\%(before\|on\|after\)\>"

syn region larderText start=+"+ skip=+\\.+ end=+"+ end=+$+ keepend oneline contains=larderCapture,larderTextCapture,larderStar,larderEscape
syn match larderTextCapture "{\h\w*\%(\.\.\.\)\?}" contained
syn match larderStar "\*\*\?" contained
syn match larderEscape +\\["\\{}*]+ contained

syn match larderComment "#.*$" contains=larderAllow,@Spell
syn match larderDoc "##.*$" contains=@Spell
syn match larderAllow "\<allow\s\+L\d\{4}\>" contained

hi def link larderItem Statement
hi def link larderClause Keyword
hi def link larderAction Function
hi def link larderOutcome Constant
hi def link larderWord Keyword
hi def link larderEnv PreProc
hi def link larderVariable Identifier
hi def link larderValue Boolean
hi def link larderMethod Constant
hi def link larderName Type
hi def link larderNumber Number
hi def link larderMark Operator
hi def link larderText String
hi def link larderCapture Identifier
hi def link larderTextCapture Identifier
hi def link larderStar Special
hi def link larderEscape SpecialChar
hi def link larderComment Comment
hi def link larderDoc SpecialComment
hi def link larderAllow Todo

let b:current_syntax = 'larder'
let &cpo = s:cpo
unlet s:cpo
