" dsl/editors/vim/ftdetect/larder.vim -- which files are larder policies.
au BufRead,BufNewFile *.larder setfiletype larder
