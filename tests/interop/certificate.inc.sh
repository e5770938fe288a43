# Certificates with dates of one's choice, for scripts that have a ca.pem and a ca.key. Makes files in the current folder.
certificate() { # FILE NAME CA FIRST LAST
	openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out request.pem
	printf '[ca]\ndefault_ca=it\n[it]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=any\nx509_extensions=more\nunique_subject=no\nrand_serial=yes\n[any]\ncommonName=supplied\n[more]\nsubjectAltName=DNS:%s\n' "$2" >ca.conf
	: >index
	openssl ca -batch -config ca.conf -in request.pem -cert "$3.pem" -keyfile "$3.key" -startdate "$4" -enddate "$5" -notext -out "$1.pem"
}
