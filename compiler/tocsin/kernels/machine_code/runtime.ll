; What numba's runtime does for a kernel: memory for the arrays and lists that it makes, and two functions of the C
; library under names of numba's. The layouts and the contracts are those of numba/core/runtime/nrt.cpp (`MemInfo`).

; The count of references, the destructor and what else it is told, the data, their bytes, who else allocates.
%owner = type { i64, ptr, ptr, ptr, i64, ptr }

declare ptr @malloc(i64)
declare ptr @realloc(ptr, i64)
declare void @free(ptr)
declare double @ldexp(double, i32)
declare double @frexp(double, ptr)

define double @numba_ldexp(double %x, i32 %exponent) {
  %result = call double @ldexp(double %x, i32 %exponent)
  ret double %result
}

define double @numba_frexp(double %x, ptr %exponent) {
  %result = call double @frexp(double %x, ptr %exponent)
  ret double %result
}

define ptr @NRT_Allocate(i64 %size) {
  %data = call ptr @malloc(i64 %size)
  ret ptr %data
}

define void @NRT_Free(ptr %data) {
  call void @free(ptr %data)
  ret void
}

; An array: the data stand behind their owner, in the same piece of memory, and begin with a cache line: a vector that
; lies in two of them takes twice as long.
define ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %asked = zext i32 %align to i64
  %more = icmp ugt i64 %asked, 64
  %alignment = select i1 %more, i64 %asked, i64 64
  %with_owner = add i64 %size, 64
  %bytes = add i64 %with_owner, %alignment
  %owner = call ptr @malloc(i64 %bytes)
  %failed = icmp eq ptr %owner, null
  br i1 %failed, label %none, label %some
none:
  ret ptr null
some:
  %address = ptrtoint ptr %owner to i64
  %behind = add i64 %address, 63
  %last = add i64 %behind, %alignment
  %mask = sub i64 0, %alignment
  %aligned = and i64 %last, %mask
  %data = inttoptr i64 %aligned to ptr
  call void @fill(ptr %owner, ptr null, ptr null, ptr %data, i64 %size)
  ret ptr %owner
}

define ptr @NRT_MemInfo_alloc(i64 %size) {
  %owner = call ptr @NRT_MemInfo_alloc_aligned(i64 %size, i32 16)
  ret ptr %owner
}

; A list: the data move when it grows; `%of_items` is what to call on them in the end, or null.
define ptr @NRT_MemInfo_new_varsize_dtor(i64 %size, ptr %of_items) {
  %owner = call ptr @malloc(i64 64)
  %data = call ptr @malloc(i64 %size)
  %no_owner = icmp eq ptr %owner, null
  %no_data = icmp eq ptr %data, null
  %failed = or i1 %no_owner, %no_data
  br i1 %failed, label %none, label %some
none:
  call void @free(ptr %owner)
  call void @free(ptr %data)
  ret ptr null
some:
  call void @fill(ptr %owner, ptr @free_list, ptr %of_items, ptr %data, i64 %size)
  ret ptr %owner
}

define ptr @NRT_MemInfo_varsize_realloc(ptr %owner, i64 %size) {
  %data_at = getelementptr %owner, ptr %owner, i32 0, i32 3
  %size_at = getelementptr %owner, ptr %owner, i32 0, i32 4
  %before = load ptr, ptr %data_at
  %data = call ptr @realloc(ptr %before, i64 %size)
  %failed = icmp eq ptr %data, null
  br i1 %failed, label %done, label %moved
moved:
  store ptr %data, ptr %data_at
  store i64 %size, ptr %size_at
  br label %done
done:
  ret ptr %data
}

define void @NRT_MemInfo_call_dtor(ptr %owner) {
  %destructor_at = getelementptr %owner, ptr %owner, i32 0, i32 1
  %destructor = load ptr, ptr %destructor_at
  %plain = icmp eq ptr %destructor, null
  br i1 %plain, label %done, label %call
call:
  %told_at = getelementptr %owner, ptr %owner, i32 0, i32 2
  %data_at = getelementptr %owner, ptr %owner, i32 0, i32 3
  %size_at = getelementptr %owner, ptr %owner, i32 0, i32 4
  %told = load ptr, ptr %told_at
  %data = load ptr, ptr %data_at
  %size = load i64, ptr %size_at
  call void %destructor(ptr %data, i64 %size, ptr %told)
  br label %done
done:
  call void @free(ptr %owner)
  ret void
}

define void @free_list(ptr %data, i64 %size, ptr %of_items) {
  %plain = icmp eq ptr %of_items, null
  br i1 %plain, label %done, label %call
call:
  call void %of_items(ptr %data, i64 %size, ptr null)
  br label %done
done:
  call void @free(ptr %data)
  ret void
}

define void @fill(ptr %owner, ptr %destructor, ptr %told, ptr %data, i64 %size) {
  %destructor_at = getelementptr %owner, ptr %owner, i32 0, i32 1
  %told_at = getelementptr %owner, ptr %owner, i32 0, i32 2
  %data_at = getelementptr %owner, ptr %owner, i32 0, i32 3
  %size_at = getelementptr %owner, ptr %owner, i32 0, i32 4
  %other_at = getelementptr %owner, ptr %owner, i32 0, i32 5
  store i64 1, ptr %owner
  store ptr %destructor, ptr %destructor_at
  store ptr %told, ptr %told_at
  store ptr %data, ptr %data_at
  store i64 %size, ptr %size_at
  store ptr null, ptr %other_at
  ret void
}
