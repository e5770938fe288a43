/* Types of keys and certificates that the peer families take. HCRYPTPROV is a handle to an RSA key pair. */
#ifndef PONTO_WIN32_WINCRYPT_H
#define PONTO_WIN32_WINCRYPT_H

#include <windef.h>

#define X509_ASN_ENCODING 0x00000001
#define PKCS_7_ASN_ENCODING 0x00010000
#define AT_KEYEXCHANGE 1
#define AT_SIGNATURE 2
#define PROV_RSA_FULL 1
#define PROV_RSA_AES 24

typedef ULONG_PTR HCRYPTPROV, HCRYPTKEY, HCRYPTHASH;
typedef unsigned int ALG_ID;
typedef void *HCERTSTORE;

typedef struct _CRYPTOAPI_BLOB {
	DWORD cbData;
	BYTE *pbData;
} CRYPT_INTEGER_BLOB, *PCRYPT_INTEGER_BLOB, CRYPT_OBJID_BLOB, *PCRYPT_OBJID_BLOB, CERT_NAME_BLOB, *PCERT_NAME_BLOB,
	CRYPT_DATA_BLOB, *PCRYPT_DATA_BLOB, DATA_BLOB, *PDATA_BLOB;

typedef struct _CRYPT_BIT_BLOB {
	DWORD cbData;
	BYTE *pbData;
	DWORD cUnusedBits;
} CRYPT_BIT_BLOB, *PCRYPT_BIT_BLOB;

typedef struct _CRYPT_ALGORITHM_IDENTIFIER {
	LPSTR pszObjId;
	CRYPT_OBJID_BLOB Parameters;
} CRYPT_ALGORITHM_IDENTIFIER, *PCRYPT_ALGORITHM_IDENTIFIER;

typedef struct _CERT_PUBLIC_KEY_INFO {
	CRYPT_ALGORITHM_IDENTIFIER Algorithm;
	CRYPT_BIT_BLOB PublicKey;
} CERT_PUBLIC_KEY_INFO, *PCERT_PUBLIC_KEY_INFO;

typedef struct _CERT_EXTENSION {
	LPSTR pszObjId;
	BOOL fCritical;
	CRYPT_OBJID_BLOB Value;
} CERT_EXTENSION, *PCERT_EXTENSION;

typedef struct _CERT_INFO {
	DWORD dwVersion;
	CRYPT_INTEGER_BLOB SerialNumber;
	CRYPT_ALGORITHM_IDENTIFIER SignatureAlgorithm;
	CERT_NAME_BLOB Issuer;
	FILETIME NotBefore;
	FILETIME NotAfter;
	CERT_NAME_BLOB Subject;
	CERT_PUBLIC_KEY_INFO SubjectPublicKeyInfo;
	CRYPT_BIT_BLOB IssuerUniqueId;
	CRYPT_BIT_BLOB SubjectUniqueId;
	DWORD cExtension;
	PCERT_EXTENSION rgExtension;
} CERT_INFO, *PCERT_INFO;

typedef struct _CERT_CONTEXT {
	DWORD dwCertEncodingType;
	BYTE *pbCertEncoded;
	DWORD cbCertEncoded;
	PCERT_INFO pCertInfo;
	HCERTSTORE hCertStore;
} CERT_CONTEXT, *PCERT_CONTEXT;
typedef const CERT_CONTEXT *PCCERT_CONTEXT;

PONTO_BEGIN_DECLS

/* Ends a handle to a key pair; the key itself stays where it is. flags: 0. */
BOOL WINAPI CryptReleaseContext(_In_ HCRYPTPROV hProv, DWORD dwFlags);

/* How a program of Linux comes by an HCRYPTPROV: a private key in PEM (PKCS #8 or PKCS #1, RSA-1024, no password), size
 * bytes, for PeerIdentityCreate. FALSE and the last error. copies pem, and wipes it at the end */
BOOL PontoCryptFromPem(_In_ const char *pem, DWORD size, _Out_ HCRYPTPROV *phProv);

#define PONTO_CRYPT_SIGNATURE_MAX 128

/* Signs with the key of an identity (PeerIdentityGetCryptKey): RSASSA-PKCS1-v1_5 with SHA-1, most significant byte
 * first. The daemon does it. *signature_size: the room, at least PONTO_CRYPT_SIGNATURE_MAX, then the length. FALSE and
 * the last error: ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_NOT_SUPPORTED (a handle made from PEM),
 * NTE_NO_KEY (the identity is gone), NTE_FAIL. */
BOOL PontoCryptSign(_In_ HCRYPTPROV hProv, const BYTE *data, DWORD size, BYTE *signature,
		    _Inout_ DWORD *signature_size);

PONTO_END_DECLS

#endif
