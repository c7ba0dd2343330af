# bash completion for vfadm. Verbs, options and columns are asked of vfadm's own help, so that they never differ.

_vfadm_verbs() {
        vfadm help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z-]\{1,\}\) .*/\1/p'
}

_vfadm_options() {
        vfadm help "$@" 2>/dev/null | sed -n 's/^  \(-., \|    \)\(--[a-z-]\{1,\}\) .*/\2/p'
}

_vfadm_columns() {
        vfadm help list 2>/dev/null | sed -n '/^Columns:/,/^$/s/^  \([A-Z][A-Z-]*\)  *.*/\1/p'
}

# Devices by name: every function (all), PFs (pf), VFs (vf), or both (any).
_vfadm_devices() {
        case $1 in
        all) vfadm list --quiet --all -o BDF,DEVICE 2>/dev/null | awk 'NR > 1 { print $1; print $2 }' ;;
        any) vfadm list --quiet -o DEVICE 2>/dev/null | awk 'NR > 1 { print $1 }' ;;
        *) vfadm list --quiet -o DEVICE,KIND 2>/dev/null | awk -v kind="$1" 'NR > 1 && $2 == kind { print $1 }' ;;
        esac
}

# Pools by name.
_vfadm_pools() {
        vfadm pool list --quiet 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# Findings by name.
_vfadm_findings() {
        vfadm doctor --explain 2>/dev/null | sed 's/ .*//'
}

# Guests (4), numbers (1) and devices (2) of the leases, by column.
_vfadm_leases() {
        vfadm leases --quiet 2>/dev/null | awk -v column="$1" 'NR > 1 { print $column }'
}

# What can stand as the word number $2 (from 1) after the verb $1; $3: --explain was said.
_vfadm_words() {
        local keys="mac= vlan= trust=on trust=off spoofchk=on spoofchk=off link=auto link=on link=off min-rate= max-rate="
        local libvirt="managed=yes managed=no profile= teaming="
        local xen="permissive=on permissive=off msitranslate=on msitranslate=off power-mgmt=on power-mgmt=off rdm=strict rdm=relaxed slot="
        case $1:$2 in
        help:1) _vfadm_verbs ;;
        enable:1 | disable:1 | export:*) _vfadm_devices pf ;;
        enable:2) echo all ;;
        list:* | show:1) _vfadm_devices any ;;
        doctor:1) if [[ $3 ]]; then _vfadm_findings && echo all; else _vfadm_devices any && _vfadm_leases 4; fi ;;
        bind:1 | unbind:1) _vfadm_devices all ;;
        bind:2) echo vfio vfio-pci pciback ;;
        set:1) _vfadm_devices vf ;;
        set:*) echo "$keys" ;;
        detach:1) _vfadm_leases 4 ;;
        detach:2) _vfadm_leases 2 ;;
        release:1) _vfadm_leases 1 && _vfadm_leases 2 ;;
        attach:1) ;;
        attach:*) echo "$keys nic= $libvirt $xen" ;;
        run:*) echo "$keys nic=" ;;
        pool:1) echo define start stop autostart delete list show ;;
        pool:2) _vfadm_pools ;;
        pool:*) echo "${keys#mac= }" ;;
        xml:1) _vfadm_pools && _vfadm_devices all ;;
        xml:*) echo "$keys nic= $libvirt $xen" ;;
        virt-install-args:*) echo "$keys $libvirt" ;;
        esac
}

_vfadm() {
        local line=${COMP_LINE:0:COMP_POINT} verb='' number=0 before='' explain='' list word
        local -a words

        # The line's own words: bash parts them also at ':' and '=', which addresses and keys are full of.
        read -ra words <<<"$line"
        [[ $line == *[[:space:]] ]] && words+=("")
        local cur=${words[-1]}
        for word in "${words[@]:1:${#words[@]}-2}"; do
                [[ $word == -- ]] && return
                case $before in
                -o | --columns | -f | --from | --root | --ledger | --timeout | --wait | --pf | --vfs | --order | --output | --textfile) ;;
                *)
                        if [[ $word != -* ]]; then
                                [[ $verb ]] && number=$((number + 1))
                                verb=${verb:-$word}
                        fi
                        ;;
                esac
                [[ $word == --explain ]] && explain=yes
                before=$word
        done

        case $before in
        --root | record | apply | check | plan | --textfile) compopt -o default && return ;;
        --ledger | --output) compopt -o dirnames && return ;;
        --timeout | --wait | --vfs) return ;;
        -f | --from) list=$(_vfadm_pools && _vfadm_devices any) ;;
        --pf) list=$(_vfadm_devices pf) ;;
        --order) list='spread pack' ;;
        -o | --columns)
                local given=${cur%"${cur##*[+,]}"}
                list=$(_vfadm_columns | sed "s/^/$given/")
                compopt -o nospace
                ;;
        *)
                if [[ $cur == -* ]]; then
                        list=$(_vfadm_options ${verb:+"$verb"})
                elif [[ ! $verb ]]; then
                        list=$(_vfadm_verbs)
                else
                        list=$(_vfadm_words "$verb" $((number + 1)) "$explain")
                fi
                ;;
        esac

        mapfile -t COMPREPLY < <(compgen -W "$list" -- "$cur")
        [[ ${COMPREPLY[*]} == *= ]] && compopt -o nospace
        # Readline replaces only what stands after the last word break.
        local there=${cur%"${cur##*[:=]}"}
        COMPREPLY=("${COMPREPLY[@]#"$there"}")
}

complete -F _vfadm vfadm
