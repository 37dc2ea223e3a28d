"""Shell completion: the verbs are ours, everything behind them is Hydra's."""

from __future__ import annotations

from genrecls.cli.help import VERBS
from genrecls.config.options import choices, groups, keys, listed
from genrecls.errors import ConfigError, nearest

# Hydra's completion reads the line from COMP_LINE and knows no verbs: the verb is taken out.
_BASH = """\
_genrecls() {
    local word="${COMP_WORDS[COMP_CWORD]}" verb="${COMP_WORDS[1]}"
    local before="${COMP_WORDS[COMP_CWORD-1]}"
    local line="genrecls" candidates="" index
    COMPREPLY=()
    for ((index = 2; index <= COMP_CWORD; index++)); do line="$line ${COMP_WORDS[index]}"; done
    if [ "$COMP_CWORD" -eq 1 ]; then
        candidates="@VERBS@ --help --version --completion"
    elif [[ "$verb" = train || "$verb" = sweep ]] && [ "${word#-}" = "$word" ]; then
        candidates="$(COMP_LINE="$line" genrecls train -sc query=bash 2>/dev/null)"
        [ "$verb" = train ] || candidates="$candidates @SWEEP@"
    elif [ "$verb" = data ] && [ "$COMP_CWORD" -eq 2 ]; then
        candidates="@ACTIONS@"
    elif [ "$before" = download ]; then
        candidates="@ARCHIVES@"
    elif [ "$verb" = data ] && [ "${word#dataset}" != "$word" ]; then
        candidates="$(COMP_LINE="genrecls $word" genrecls train -sc query=bash 2>/dev/null)"
    elif [ "$verb" = --completion ]; then
        candidates="@SHELLS@"
    elif [ "$before" = --format ]; then
        candidates="table json csv"
    else
        case "$verb" in @FLAG_CASES@ esac
    fi
    COMPREPLY=($(compgen -W "$candidates" -- "$word"))
    case "${COMPREPLY[0]}" in *=|*.) compopt -o nospace 2>/dev/null ;; esac
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
    set -l word (commandline -ct)
    if test (count $words) -eq 1
        string split ' ' -- "@VERBS@ --help --version --completion"
    else if contains -- $words[2] train sweep; and not string match -q -- '-*' "$word"
        set -l line (string join ' ' -- genrecls $words[3..-1] "$word")
        COMP_LINE="$line" genrecls train -sc query=fish 2>/dev/null
        test $words[2] = train; or string split ' ' -- "@SWEEP@"
    else if test $words[2] = data; and test (count $words) -eq 2
        string split ' ' -- "@ACTIONS@"
    else if test $words[-1] = download
        string split ' ' -- "@ARCHIVES@"
    else if test $words[2] = data; and string match -q -- 'dataset*' "$word"
        COMP_LINE="genrecls $word" genrecls train -sc query=fish 2>/dev/null
    else if test $words[2] = --completion
        string split ' ' -- "@SHELLS@"
    else if test $words[-1] = --format
        string split ' ' -- "table json csv"
    else
        switch $words[2]
@FISH_CASES@
        end
        __fish_complete_path "$word"
    end
end
complete -c genrecls -f -a '(__genrecls_complete)'
"""

_ACTIONS = ("list", "info", "download", "verify", "split-report", "cache")
_FLAGS = {
    "train": ("--help", "--cfg", "--info", "--multirun", "--config-dir", "--config-name"),
    "sweep": ("--help", "-m", "--config-dir"),
    "predict": (
        *("--help", "--model", "--format", "--timeline", "--output-root"),
        *("--live", "--smooth", "--hop", "--live-wait", "--rate", "--channels", "--sample-format"),
    ),
    "explain": ("--help", "--layers", "--genre", "--start", "--to", "--output-root"),
    "benchmark": ("--help", "--threads", "--runs", "--output-root"),
    "data": (
        *("--help", "--format", "--accept", "--archive", "--keep"),
        *("--out", "--prune", "--older"),
    ),
    "runs": ("--help", "--format", "--output-root"),
    "compare": ("--help", "--output-root", "--by", "--part", "--to"),
}
_REPRODUCE_FLAGS = ("--help", "--seeds", "--finished", "--to")
SHELLS = ("bash", "zsh", "fish")
_FISH_SPLIT = "                string split ' ' --"


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
    for mark, words in _words().items():
        text = text.replace(f"@{mark}@", words)
    return text


def _words() -> dict[str, str]:
    # Not at the top: `genrecls --help` need not wait for what validates configurations.
    from genrecls.runs.published import PAPERS

    after = {verb: " ".join(flags) for verb, flags in _FLAGS.items()}
    after["evaluate"] = " ".join(("--help", *_settings("evaluate")))
    after["export"] = " ".join(("--help", "--tflite", *_settings("export")))
    presets = [name for name in listed("experiment") if name.partition("_")[0] in PAPERS]
    after["reproduce"] = " ".join((*_REPRODUCE_FLAGS, "all", *PAPERS, *presets))
    bash = (f'{verb}) candidates="{words}" ;;' for verb, words in after.items())
    fish = (f'            case {verb}\n{_FISH_SPLIT} "{words}"' for verb, words in after.items())
    return {
        "VERBS": " ".join(VERBS),
        "SHELLS": " ".join(SHELLS),
        "SWEEP": " ".join((*_settings("sweep"), *_options("sweep"))),
        "ACTIONS": " ".join(_ACTIONS),
        "ARCHIVES": " ".join(listed("download")),
        "FLAG_CASES": " ".join(bash),
        "FISH_CASES": "\n".join(fish),
    }


def _options(root: str) -> list[str]:
    """Return the choices of the groups that a verb has of its own."""
    return [f"{group}={choice}" for group in groups(root) for choice in choices(group)]


def _settings(root: str) -> list[str]:
    """Return the settings that a verb has: Hydra would also offer the groups of `train`."""
    return [f"{line.partition(':')[0]}=" for line in keys(root)]
