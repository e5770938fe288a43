# Which cases test which function of the Windows interfaces: awk -f covers.awk api.tsv TEST.log… prints a table.
# A case says PONTO_COVERS("Name") in C, or prints "# covers Name" in a shell test, before its result; only cases that
# ran and passed count.
BEGIN { FS = "\t" }

function settle(passed, name,    i, test) {
	test = FILENAME
	sub(/.*\//, "", test)
	sub(/\.log$/, "", test)
	for (i = 1; i <= pending && passed; i++) {
		if (!(waiting[i] in listed))
			listed[waiting[i]] = ""
		if (last[waiting[i]] != test) {
			listed[waiting[i]] = listed[waiting[i]] (listed[waiting[i]] == "" ? "" : "; ") test ": " name
			last[waiting[i]] = test
		} else {
			listed[waiting[i]] = listed[waiting[i]] ", " name
		}
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
	waiting[++pending] = substr($0, 10)
	if (!(waiting[pending] in family)) {
		print FILENAME ": no such function: " waiting[pending] > "/dev/stderr"
		errors++
	}
}
/^ok/ { name = $0; sub(/^ok [0-9]+ - /, "", name); settle(tolower($0) !~ /# *(skip|todo)/, name) }
/^not ok/ { settle(0) }

END {
	print "| family | function | tests |"
	print "| --- | --- | --- |"
	for (i = 1; i <= functions; i++)
		printf "| %s | `%s` | %s |\n", family[order[i]], order[i], (order[i] in listed) ? listed[order[i]] : "none"
	exit errors > 0
}
