# Which cases test which function of the Windows interfaces: awk -f covers.awk api.tsv TEST.log… prints a table.
# A case says PONTO_COVERS("Name") for what the function does, PONTO_COVERS_ERRORS for what it refuses and
# PONTO_COVERS_THREADS for calls from several threads; a shell test prints "# covers Name" before its result. Only cases
# that ran and passed count.
BEGIN { FS = "\t"; split("success errors threads", columns, " ") }

function settle(passed, name,    i, test, key) {
	test = FILENAME
	sub(/.*\//, "", test)
	sub(/\.(sh\.)?log$/, "", test)
	for (i = 1; i <= pending && passed; i++) {
		key = waiting[i]
		if (last[key] != test)
			listed[key] = listed[key] (listed[key] == "" ? "" : "; ") test ": " name
		else
			listed[key] = listed[key] ", " name
		last[key] = test
	}
	pending = 0
}

FNR == 1 { pending = 0 }
FILENAME ~ /\.tsv$/ {
	if ($2 == "function") {
		family[$3] = $1
		order[++functions] = $3
	}
	next
}
/^# covers / {
	gsub(/\r/, "")
	words = split($0, word, " ")
	column = words == 4 ? word[3] : "success"
	if (!(word[words] in family)) {
		print FILENAME ": no such function: " word[words] > "/dev/stderr"
		errors++
	}
	waiting[++pending] = column SUBSEP word[words]
}
/^ok/ { name = $0; sub(/^ok [0-9]+ - /, "", name); settle(tolower($0) !~ /# *(skip|todo)/, name) }
/^not ok/ { settle(0) }

END {
	print "| family | function | does what it says | refuses what it must | from several threads |"
	print "| --- | --- | --- | --- | --- |"
	for (i = 1; i <= functions; i++) {
		printf "| %s | `%s` |", family[order[i]], order[i]
		for (c = 1; c <= 3; c++) {
			key = columns[c] SUBSEP order[i]
			printf " %s |", (key in listed) ? listed[key] : "none"
		}
		print ""
	}
	exit errors > 0
}
