# Counts proven requirements: awk -v verbose=0|1 -f conformance.awk TABLE.tsv… decisions.md TEST.log…
# README.md tells the rules.

function complain(text) {
	print "conformance: " text > "/dev/stderr"
	errors++
}

# What came before a result belongs to it.
function settle(passed,    i) {
	for (i = 1; i <= pending; i++) {
		if (passed > 0)
			proven[waiting[i]] = 1
		else if (passed < 0)
			broken[waiting[i]] = 1
	}
	if (pending > 4)
		complain(FILENAME ": a case names " pending " rows, more than four, from " waiting[1] " on")
	pending = 0
}

FNR == 1 {
	pending = 0
	argued_part = 0
	kind = FILENAME
	sub(/.*\./, "", kind)
}

kind == "tsv" && FNR > 1 && NF {
	if (split($0, field, "\t") != 6 || field[1] !~ /^[A-Z]+-[0-9]+$/) {
		complain(FILENAME ":" FNR ": not a row of six columns")
		next
	}
	if (field[1] in row)
		complain(FILENAME ":" FNR ": " field[1] " is there twice")
	row[field[1]] = field[2] "\t" field[4]
	order[++rows] = field[1]
}

kind == "md" && /^## / {
	argued_part = $0 == "## Requirements decided against"
}

kind == "md" && argued_part && /^[A-Z]+-[0-9]+:/ {
	id = $1
	sub(/:.*/, "", id)
	if (!(id in row))
		complain(FILENAME ":" FNR ": no such requirement: " id)
	else if ($0 ~ /^[^:]*:[ \t]*$/)
		complain(FILENAME ":" FNR ": " id " is given up without a reason")
	else
		argued[id] = 1
}

kind == "log" && /^# proves / {
	gsub(/[,\r]/, " ")
	for (i = 3; i <= NF; i++) {
		if (!($i in row))
			complain(FILENAME ": no such requirement: " $i)
		waiting[++pending] = $i
	}
}

kind == "log" && /^ok([ \t]|$)/ {
	settle(tolower($0) ~ /# *(skip|todo)/ ? 0 : 1)
}

kind == "log" && /^not ok([ \t]|$)/ {
	settle(-1)
}

END {
	for (i = 1; i <= rows; i++) {
		id = order[i]
		protocol = id
		sub(/-.*/, "", protocol)
		if (!(protocol in total))
			name[++protocols] = protocol
		total[protocol]++
		if ((id in proven) && !(id in broken)) {
			count[protocol]++
		} else if (id in argued) {
			given[protocol]++
		} else {
			split(row[id], field, "\t")
			rest[protocol] = rest[protocol] "  " id " [" field[1] "] " field[2] "\n"
		}
	}
	for (i = 1; i <= protocols; i++) {
		protocol = name[i]
		line = protocol " " (count[protocol] + 0) "/" total[protocol]
		if (given[protocol])
			line = line ", argued " given[protocol]
		print line
		if (verbose)
			printf "%s", rest[protocol]
	}
	if (!rows)
		complain("no requirements")
	exit errors > 0
}
