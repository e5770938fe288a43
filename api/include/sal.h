/* Annotations of parameters, both styles, all empty: they compile, nothing checks them.
 *
 * C++: names such as __in belong to the library, whose headers use them for parameters. Those headers are therefore
 * included first. PONTO_NO_OLD_SAL leaves out the older style and with it these includes. */
#ifndef PONTO_WIN32_SAL_H
#define PONTO_WIN32_SAL_H

#if defined(__cplusplus) && !defined(PONTO_NO_OLD_SAL)
#include <algorithm>
#include <atomic>
#include <iostream>
#include <locale>
#include <memory>
#include <random>
#include <regex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#endif

/* ---- the newer style ---- */

#define _Check_return_
#define _Const_
#define _Deref_inout_
#define _Deref_opt_out_
#define _Deref_opt_out_opt_
#define _Deref_out_
#define _Deref_out_opt_
#define _Deref_out_z_
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _In_
#define _In_opt_
#define _In_opt_z_
#define _In_z_
#define _Inout_
#define _Inout_opt_
#define _Inout_opt_z_
#define _Inout_z_
#define _Maybenull_
#define _Must_inspect_result_
#define _Notnull_
#define _NullNull_terminated_
#define _Null_terminated_
#define _Out_
#define _Out_opt_
#define _Out_z_
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_opt_result_maybenull_
#define _Outptr_opt_result_z_
#define _Outptr_result_maybenull_
#define _Outptr_result_z_
#define _Post_invalid_
#define _Post_ptr_invalid_
#define _Post_valid_
#define _Post_z_
#define _Pre_maybenull_
#define _Pre_notnull_
#define _Pre_null_
#define _Pre_valid_
#define _Pre_z_
#define _Printf_format_string_
#define _Reserved_
#define _Ret_maybenull_
#define _Ret_maybenull_z_
#define _Ret_notnull_
#define _Ret_z_
#define _Scanf_format_string_
#define _Use_decl_annotations_
#define _Acquires_lock_(x)
#define _Analysis_assume_(x)
#define _Field_size_(x)
#define _Field_size_bytes_(x)
#define _Field_size_bytes_opt_(x)
#define _Field_size_full_(x)
#define _Field_size_opt_(x)
#define _Function_class_(x)
#define _In_bytecount_(x)
#define _In_count_(x)
#define _In_opt_bytecount_(x)
#define _In_opt_count_(x)
#define _In_reads_(x)
#define _In_reads_bytes_(x)
#define _In_reads_bytes_opt_(x)
#define _In_reads_opt_(x)
#define _In_reads_opt_z_(x)
#define _In_reads_or_z_(x)
#define _In_reads_z_(x)
#define _Inout_updates_(x)
#define _Inout_updates_all_(x)
#define _Inout_updates_bytes_(x)
#define _Inout_updates_bytes_opt_(x)
#define _Inout_updates_opt_(x)
#define _Inout_updates_opt_z_(x)
#define _Inout_updates_z_(x)
#define _On_failure_(x)
#define _Out_bytecap_(x)
#define _Out_cap_(x)
#define _Out_opt_bytecap_(x)
#define _Out_opt_cap_(x)
#define _Out_writes_(x)
#define _Out_writes_all_(x)
#define _Out_writes_all_opt_(x)
#define _Out_writes_bytes_(x)
#define _Out_writes_bytes_opt_(x)
#define _Out_writes_opt_(x)
#define _Out_writes_opt_z_(x)
#define _Out_writes_z_(x)
#define _Out_z_cap_(x)
#define _Outptr_opt_result_buffer_(x)
#define _Outptr_result_buffer_(x)
#define _Outptr_result_buffer_maybenull_(x)
#define _Outptr_result_bytebuffer_(x)
#define _Post_(x)
#define _Post_satisfies_(x)
#define _Pre_(x)
#define _Pre_satisfies_(x)
#define _Releases_lock_(x)
#define _Requires_lock_held_(x)
#define _Requires_lock_not_held_(x)
#define _Ret_writes_(x)
#define _Ret_writes_bytes_(x)
#define _Ret_writes_z_(x)
#define _Return_type_success_(x)
#define _Struct_size_bytes_(x)
#define _Success_(x)
#define _At_(x, y)
#define _At_buffer_(x, y)
#define _Field_range_(x, y)
#define _Field_size_part_(x, y)
#define _Field_size_part_opt_(x, y)
#define _In_range_(x, y)
#define _Inout_updates_bytes_to_(x, y)
#define _Inout_updates_to_(x, y)
#define _Inout_updates_to_opt_(x, y)
#define _Out_cap_post_count_(x, y)
#define _Out_range_(x, y)
#define _Out_writes_bytes_to_(x, y)
#define _Out_writes_bytes_to_opt_(x, y)
#define _Out_writes_to_(x, y)
#define _Out_writes_to_opt_(x, y)
#define _Outptr_opt_result_bytebuffer_(x, y)
#define _Outptr_result_buffer_all_(x, y)
#define _Ret_range_(x, y)
#define _When_(x, y)

/* ---- the older style ---- */

#ifndef PONTO_NO_OLD_SAL
#define __callback
#define __checkReturn
#define __deref_in
#define __deref_in_opt
#define __deref_inout
#define __deref_inout_opt
#define __deref_opt_out
#define __deref_opt_out_opt
#define __deref_opt_out_z
#define __deref_out
#define __deref_out_opt
#define __deref_out_z
#define __format_string
#define __in
#define __in_opt
#define __in_z
#define __in_z_opt
#define __inout
#define __inout_opt
#define __inout_z
#define __maybenull
#define __notnull
#define __nullnullterminated
#define __nullterminated
#define __out
#define __out_opt
#define __out_z
#define __reserved
#define __analysis_assume(x)
#define __deref_opt_out_bcount(x)
#define __deref_opt_out_ecount(x)
#define __deref_out_bcount(x)
#define __deref_out_bcount_full(x)
#define __deref_out_bcount_opt(x)
#define __deref_out_ecount(x)
#define __deref_out_ecount_full(x)
#define __deref_out_ecount_opt(x)
#define __field_bcount(x)
#define __field_bcount_full(x)
#define __field_bcount_opt(x)
#define __field_ecount(x)
#define __field_ecount_full(x)
#define __field_ecount_opt(x)
#define __in_bcount(x)
#define __in_bcount_opt(x)
#define __in_bcount_z(x)
#define __in_ecount(x)
#define __in_ecount_opt(x)
#define __in_ecount_z(x)
#define __in_ecount_z_opt(x)
#define __in_xcount(x)
#define __inout_bcount(x)
#define __inout_bcount_full(x)
#define __inout_bcount_opt(x)
#define __inout_ecount(x)
#define __inout_ecount_full(x)
#define __inout_ecount_opt(x)
#define __inout_ecount_z(x)
#define __inout_ecount_z_opt(x)
#define __inout_xcount(x)
#define __out_bcount(x)
#define __out_bcount_full(x)
#define __out_bcount_opt(x)
#define __out_ecount(x)
#define __out_ecount_full(x)
#define __out_ecount_full_opt(x)
#define __out_ecount_opt(x)
#define __out_ecount_z(x)
#define __out_ecount_z_opt(x)
#define __out_xcount(x)
#define __success(x)
#define __deref_in_range(x, y)
#define __deref_out_bcount_part(x, y)
#define __deref_out_ecount_part(x, y)
#define __deref_out_range(x, y)
#define __inout_bcount_part(x, y)
#define __inout_bcount_part_opt(x, y)
#define __inout_ecount_part(x, y)
#define __inout_ecount_part_opt(x, y)
#define __out_bcount_part(x, y)
#define __out_bcount_part_opt(x, y)
#define __out_ecount_part(x, y)
#define __out_ecount_part_opt(x, y)
#endif

#endif
