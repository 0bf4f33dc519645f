# Completion of mlforge in fish. Put this into ~/.config/fish/config.fish:  mlforge completion fish | source
function __mlforge_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l answers ($words[1] completion --words -- $words[2..-1] 2>/dev/null)
    if test (count $answers) -eq 0
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $answers
    end
end
complete -c mlforge -f -a '(__mlforge_complete)'
