#compdef mlforge
# Completion of mlforge in zsh. Put this into ~/.zshrc, below compinit:  eval "$(mlforge completion zsh)"
_mlforge() {
    local -a joined plain told_joined told_plain
    local answer told
    while IFS=$'\t' read -r answer told; do
        [[ -z "$answer" ]] && continue
        if [[ "$answer" == *[=./@] ]]; then
            joined+=("$answer"); told_joined+=("$answer  $told")
        else
            plain+=("$answer"); told_plain+=("$answer  $told")
        fi
    done < <("${words[1]}" completion --words -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ! ${#joined} && ! ${#plain} )); then
        _files
        return
    fi
    (( ${#joined} )) && compadd -Q -S '' -l -d told_joined -a joined
    (( ${#plain} )) && compadd -Q -l -d told_plain -a plain
}
compdef _mlforge mlforge
