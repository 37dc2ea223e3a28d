"""Shell completion: the verbs are ours, everything behind them is Hydra's."""

from __future__ import annotations

from genrecls.commands.usage import VERBS
from genrecls.errors import ConfigError, nearest

# Hydra's completion reads the line from COMP_LINE and knows no verbs: the verb is taken out.
_BASH = """\
_genrecls() {
    local word="${COMP_WORDS[COMP_CWORD]}" verb="${COMP_WORDS[1]}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@VERBS@ --help --version --completion" -- "$word"))
    elif [ "$verb" = train ] || [ "$verb" = evaluate ]; then
        local line="genrecls${COMP_LINE#*"$verb"}"
        COMPREPLY=($(COMP_LINE="$line" COMP_POINT="${#line}" COMP_CWORD=$((COMP_CWORD - 1)) \\
            genrecls "$verb" -sc query=bash 2>/dev/null))
        [ "${#COMPREPLY[@]}" -gt 0 ] && case "${COMPREPLY[0]}" in *=|*.) compopt -o nospace ;; esac
    else
        COMPREPLY=($(compgen -f -- "$word"))
    fi
}
COMP_WORDBREAKS="${COMP_WORDBREAKS//=}"
complete -o default -F _genrecls genrecls
"""

_ZSH = """\
autoload -Uz bashcompinit compinit
compinit
bashcompinit
@BASH@"""

_FISH = """\
function __genrecls_complete
    set -l words (commandline -opc)
    if test (count $words) -eq 1
        string split ' ' -- "@VERBS@ --help --version --completion"
    else if contains -- $words[2] train evaluate
        set -l line (string join ' ' -- genrecls $words[3..-1] (commandline -ct))
        COMP_LINE="$line" genrecls $words[2] -sc query=fish 2>/dev/null
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c genrecls -f -a '(__genrecls_complete)'
"""

SHELLS = ("bash", "zsh", "fish")


def script(shell: str) -> str:
    """Return the script that a shell has to source.

    Raises:
        ConfigError: the shell is not known.
    """
    if shell not in SHELLS:
        raise ConfigError(
            f"--completion: received '{shell}'; allowed: {', '.join(SHELLS)}"
            f'{nearest(shell, SHELLS)}; for example: eval "$(genrecls --completion bash)"'
        )
    text = {"bash": _BASH, "zsh": _ZSH.replace("@BASH@", _BASH), "fish": _FISH}[shell]
    return text.replace("@VERBS@", " ".join(VERBS))
