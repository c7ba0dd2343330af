/* A configuration file and its drop-ins, read as one: the sections [Match], [PF], [VF 0-3] and [Pool NAME] of vfadm.conf(5). Pure;
 * which files there are is for change/conf.h. */
#pragma once

#include "model/conf.h"
#include "want/ini.h"

/* Adds what one file says, texts[0], with its drop-ins behind it: the PFs of its [Match], its pools (their `path` is the file or
 * drop-in), and warnings. FAILED names file and line: sections, keys and values that are none, what does not fit together, and
 * what a file that was added before says too (a [Match], a MAC, a pool). Nothing is added then. */
bool conf_file_parse(const IniText *texts, unsigned n_texts, Conf *conf, GError **error);
/* The same of sections [Pool NAME] alone: what others say, right or wrong, is none of a pool's business. */
bool conf_file_parse_pools(const IniText *texts, unsigned n_texts, Conf *conf, GError **error);
