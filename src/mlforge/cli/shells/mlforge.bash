# Completion of mlforge in bash. Put this into ~/.bashrc:  eval "$(mlforge completion bash)"
_mlforge() {
    local line="${COMP_LINE:0:$COMP_POINT}" words current part
    read -ra words <<<"$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    current="${words[-1]}"
    # bash takes a word apart at = : and @, and replaces the last part only
    part="${current##*[=:@]}"
    local before="${current%"$part"}" answer
    COMPREPLY=()
    while IFS=$'\t' read -r answer _; do
        [[ -n "$answer" ]] && COMPREPLY+=("${answer#"$before"}")
    done < <("${words[0]}" completion --words -- "${words[@]:1}" 2>/dev/null)
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[=./@] ]] && compopt -o nospace
    return 0
}
complete -o default -F _mlforge mlforge
