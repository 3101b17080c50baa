# Sourced by ./run and ./test: finds what is missing on this system and installs it, asked first.
#
#     install_needs YES GROUP...      YES is 1 when the user said --yes
#
# Looks without the network and without the package manager, so that a machine that has everything
# pays some milliseconds. Says everything on stderr. Ends the script with 69 when something is
# missing and cannot, or may not, be installed.

say() { printf '%s\n' "$*" >&2; }

# The column of tools/packages for this system, or nothing.
install_system() {
    [ -r /etc/os-release ] || return 0
    # shellcheck disable=SC1091
    (
        . /etc/os-release
        case "$ID-${VERSION_ID:-}" in
        debian-12 | debian-13 | ubuntu-24.04) printf '%s' "$ID-$VERSION_ID" ;;
        fedora-*) printf 'fedora' ;;
        esac
    )
}

# Whether a probe of tools/packages finds its thing.
install_has() {
    case "$1" in
    "pkg "*) pkg-config --exists "${1#pkg }" 2>/dev/null ;;
    "cmd "*) command -v "${1#cmd }" >/dev/null ;;
    "header "*) [ -e "/usr/include/${1#header }" ] || [ -e "/usr/local/include/${1#header }" ] ;;
    "python "*) python3 -c "import ${1#python }" 2>/dev/null ;;
    "file "*)
        install_has_paths=${1#file }:
        while [ -n "$install_has_paths" ]; do
            [ -e "${install_has_paths%%:*}" ] && return 0
            install_has_paths=${install_has_paths#*:}
        done
        return 1
        ;;
    -) true ;;
    *) say "tools/packages: no such probe: $1" && exit 64 ;;
    esac
}

# Sets missing_packages and missing_needs for the groups.
install_look() {
    missing_packages=
    missing_needs=
    install_modules=
    # All modules in one call first: the usual case is that everything is there.
    while IFS='|' read -r group _ probe _; do
        case "$group" in '#'* | '') continue ;; esac
        install_wanted "$group" "$@" || continue
        install_trim "$probe"
        probe=$trimmed
        case "$probe" in "pkg "*) install_modules="$install_modules ${probe#pkg }" ;; esac
    done <"$root/tools/packages"
    # shellcheck disable=SC2086
    if pkg-config --exists $install_modules 2>/dev/null; then install_modules=all; fi

    while IFS='|' read -r group need probe debian12 debian13 ubuntu fedora; do
        case "$group" in '#'* | '') continue ;; esac
        install_wanted "$group" "$@" || continue
        install_trim "$probe"
        probe=$trimmed
        case "$install_modules:$probe" in all:pkg\ *) continue ;; esac
        if install_has "$probe"; then continue; fi
        case "$system" in
        debian-12) packages=$debian12 ;;
        debian-13) packages=$debian13 ;;
        ubuntu-24.04) packages=$ubuntu ;;
        fedora) packages=$fedora ;;
        *) packages=$debian12 ;;
        esac
        install_trim "$packages"
        missing_packages="$missing_packages${missing_packages:+ }$trimmed"
        install_trim "$need"
        missing_needs="$missing_needs
  ${probe#* } ($trimmed)"
    done <"$root/tools/packages"
}

# Whether the group is one of those asked for.
install_wanted() {
    install_group=${1%% *}
    shift
    for install_one in "$@"; do
        [ "$install_group" = "$install_one" ] && return 0
    done
    return 1
}

# Sets `trimmed`. (No process is started a row: this runs at every start.)
install_trim() {
    # shellcheck disable=SC2086
    set -- $1
    trimmed="$*"
}

# What apt would fetch and unpack, from its own words; lists are refreshed if it has none.
install_size() {
    # shellcheck disable=SC2086
    case "$system" in
    fedora) LC_ALL=C dnf install --assumeno $missing_packages 2>&1 | grep -Ei 'size' ;;
    *)
        LC_ALL=C apt-get -o Debug::NoLocking=1 install --no-install-recommends --assume-no \
            $missing_packages 2>&1 | grep -E '^(Need to get|After this operation)'
        ;;
    esac | sed 's/^/  /' >&2 || true
}

install_needs() {
    yes=$1
    shift
    system=$(install_system)
    install_look "$@"
    [ -n "$missing_needs" ] || return 0

    if [ -z "$system" ]; then
        say "leat cannot install packages on this system: it knows Debian 12 and 13, Ubuntu 24.04 and Fedora."
        say "Install these with its own package manager, then start again:$missing_needs"
        exit 69
    fi
    case "$system" in
    fedora) install_command="dnf install -y $missing_packages" ;;
    *) install_command="apt-get install -y --no-install-recommends $missing_packages" ;;
    esac
    become=
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null; then
            become=sudo
        else
            say "Some packages are missing, and installing them needs root. One command for the administrator:"
            say ""
            say "    $install_command"
            exit 69
        fi
    fi
    # shellcheck disable=SC2086
    if [ "$system" != fedora ] && ! apt-cache show $missing_packages >/dev/null 2>&1; then
        say "refreshing the lists of packages"
        DEBIAN_FRONTEND=noninteractive $become apt-get update -q >&2 || exit 69
    fi
    say "leat needs these packages of $system:"
    say "  $missing_packages"
    install_size
    if [ "$yes" != 1 ]; then
        if ! [ -t 0 ]; then
            say "Nobody is there to ask. Start again with --yes, or install them yourself:"
            say ""
            say "    ${become:+$become }$install_command"
            exit 69
        fi
        printf 'Install them? [Y/n] ' >&2
        read -r answer || answer=n
        case "$answer" in '' | y | Y | yes | Yes) ;; *) say "nothing was installed" && exit 69 ;; esac
    fi
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $become $install_command >&2 || {
        say "could not install the packages; the reason stands above"
        exit 69
    }
    install_look "$@"
    if [ -n "$missing_needs" ]; then
        say "still missing after the installation:$missing_needs"
        exit 69
    fi
}
