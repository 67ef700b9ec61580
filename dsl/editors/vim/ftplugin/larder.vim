" dsl/editors/vim/ftplugin/larder.vim -- comments, indents and the one style: `gq` is larder fmt.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=#\ %s comments=b:##,b:# expandtab shiftwidth=2 softtabstop=2
if executable('larder')
  setlocal formatprg=larder\ fmt\ -
  setlocal makeprg=larder\ check\ --format\ github\ %
  setlocal errorformat=::%trror\ file=%f\\,line=%l\\,%m,::%tarning\ file=%f\\,line=%l\\,%m
endif
let b:undo_ftplugin = 'setl cms< com< et< sw< sts< fp< mp< efm<'
