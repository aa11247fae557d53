//! The border to SQLite: its own file system with four functions of each file replaced.
//!
//! SQLite's `unix` file system keeps the functions of a file in a table that the file points to. Each file that is opened
//! gets a copy of its table in which closing, writing, truncating and syncing pass through here; all else, locks and shared
//! memory included, goes to SQLite's own functions directly.
#![expect(unsafe_code, reason = "SQLite is told about a file system through C function pointers")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::{OnceLock, PoisonError, RwLock};

use rusqlite::ffi::{
    SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_WAL, sqlite3_file,
    sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

use crate::disk::{FaultKind, Verdict, installed};

/// SQLite's own file system, and its tables of functions as files have shown them: one for databases, one for write-ahead
/// logs, which are not locked.
struct Real {
    vfs: *mut sqlite3_vfs,
    methods: RwLock<Vec<Methods>>,
}

/// A table of SQLite, and ours in its place. Both live as long as the process.
#[derive(Clone, Copy)]
struct Methods {
    real: &'static sqlite3_io_methods,
    ours: &'static sqlite3_io_methods,
}

// SAFETY: the pointers are to tables that SQLite never changes after it was initialised.
unsafe impl Send for Real {}
// SAFETY: likewise.
unsafe impl Sync for Real {}

static REAL: OnceLock<Real> = OnceLock::new();

/// Makes our file system the default one.
pub(crate) fn register() {
    REAL.get_or_init(|| {
        // SAFETY: a null name asks for the default; the answer is valid for ever, as built-in file systems are.
        let vfs = unsafe { sqlite3_vfs_find(ptr::null()) };
        // SAFETY: the table is plain data, valid, and not changed by anybody.
        let mut ours = unsafe { ptr::read(vfs) };
        ours.zName = c"recording".as_ptr();
        ours.pNext = ptr::null_mut();
        ours.xOpen = Some(open);
        ours.xDelete = Some(delete);
        // SAFETY: the table is leaked, so it outlives every connection.
        unsafe { sqlite3_vfs_register(Box::leak(Box::new(ours)), 1) };
        Real { vfs, methods: RwLock::default() }
    });
}

fn real() -> Option<&'static Real> {
    REAL.get()
}

/// SQLite's own functions of a file that is open.
///
/// # Safety
/// `file` is open, and was opened by us.
unsafe fn methods(file: *mut sqlite3_file) -> Option<&'static sqlite3_io_methods> {
    // SAFETY: as promised.
    let table = unsafe { (*file).pMethods };
    let known = real()?.methods.read().unwrap_or_else(PoisonError::into_inner);
    known.iter().find(|known| ptr::eq(known.ours, table)).map(|known| known.real)
}

/// Our table in place of one of SQLite's.
///
/// # Safety
/// `table` points to a table of SQLite, which is static.
unsafe fn ours(real: &Real, table: *const sqlite3_io_methods) -> &'static sqlite3_io_methods {
    let mut known = real.methods.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.iter().find(|known| ptr::eq(known.real, table)) {
        return known.ours;
    }
    // SAFETY: as promised.
    let methods = unsafe { copied(table) };
    known.push(methods);
    methods.ours
}

/// # Safety
/// Called by SQLite, with what it promises to `xOpen`.
unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    let Some(real) = real() else { return rusqlite::ffi::SQLITE_CANTOPEN };
    // SAFETY: SQLite's own function, with SQLite's own arguments and its own file system.
    let code = unsafe {
        (*real.vfs).xOpen.map_or(rusqlite::ffi::SQLITE_CANTOPEN, |open| open(real.vfs, name, file, flags, flags_out))
    };
    if code != SQLITE_OK || flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL) == 0 || name.is_null() {
        return code;
    }
    // SAFETY: after a successful open the file points to its table, which is static; it is ours until this function returns.
    unsafe { (*file).pMethods = ours(real, (*file).pMethods) };
    if let Some(disk) = installed() {
        // SAFETY: SQLite gives names that end in a zero.
        disk.opened(file as usize, unsafe { path(name) });
    }
    code
}

/// # Safety
/// `table` points to a table of SQLite, which is static.
unsafe fn copied(table: *const sqlite3_io_methods) -> Methods {
    // SAFETY: as promised.
    let real: &'static sqlite3_io_methods = unsafe { &*table };
    let ours = sqlite3_io_methods {
        // 2: without memory maps, which would write past us.
        iVersion: real.iVersion.min(2),
        xClose: Some(close),
        xWrite: Some(write),
        xTruncate: Some(truncate),
        xSync: Some(sync),
        ..*real
    };
    Methods { real, ours: Box::leak(Box::new(ours)) }
}

/// # Safety
/// `name` ends in a zero.
unsafe fn path<'a>(name: *const c_char) -> &'a Path {
    // SAFETY: as promised.
    Path::new(std::ffi::OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes()))
}

/// # Safety
/// Called by SQLite, with what it promises to `xDelete`.
unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let Some(real) = real() else { return rusqlite::ffi::SQLITE_IOERR_DELETE };
    if let Some(disk) = installed() {
        // SAFETY: SQLite gives names that end in a zero.
        disk.deleted(unsafe { path(name) });
    }
    // SAFETY: SQLite's own function, with SQLite's own arguments.
    unsafe {
        (*real.vfs).xDelete.map_or(rusqlite::ffi::SQLITE_IOERR_DELETE, |delete| delete(real.vfs, name, sync_folder))
    }
}

/// # Safety
/// Called by SQLite, with what it promises to `xClose`.
unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    if let Some(disk) = installed() {
        disk.closed(file as usize);
    }
    // SAFETY: the file was opened by us.
    let Some(close) = unsafe { methods(file) }.and_then(|methods| methods.xClose) else { return SQLITE_OK };
    // SAFETY: SQLite's own function, with SQLite's own file.
    unsafe { close(file) }
}

/// # Safety
/// Called by SQLite, with what it promises to `xWrite`.
unsafe extern "C" fn write(file: *mut sqlite3_file, bytes: *const c_void, count: c_int, offset: i64) -> c_int {
    let (Ok(length), Ok(at)) = (usize::try_from(count), u64::try_from(offset)) else { return SQLITE_IOERR_WRITE };
    if let Some(disk) = installed() {
        // SAFETY: SQLite gives as many bytes as it says.
        let content = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
        match disk.writes(file as usize, at, content) {
            Verdict::GoOn => {}
            Verdict::Fail(FaultKind::Full) => return SQLITE_FULL,
            Verdict::Fail(FaultKind::Write | FaultKind::Sync) => return SQLITE_IOERR_WRITE,
        }
    }
    // SAFETY: the file was opened by us.
    let Some(write) = unsafe { methods(file) }.and_then(|methods| methods.xWrite) else { return SQLITE_IOERR_WRITE };
    // SAFETY: SQLite's own function, with SQLite's own arguments.
    unsafe { write(file, bytes, count, offset) }
}

/// # Safety
/// Called by SQLite, with what it promises to `xTruncate`.
unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: i64) -> c_int {
    if let (Some(disk), Ok(size)) = (installed(), u64::try_from(size)) {
        disk.truncates(file as usize, size);
    }
    // SAFETY: the file was opened by us.
    let Some(truncate) = unsafe { methods(file) }.and_then(|methods| methods.xTruncate) else {
        return SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite's own function, with SQLite's own arguments.
    unsafe { truncate(file, size) }
}

/// # Safety
/// Called by SQLite, with what it promises to `xSync`.
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let disk = installed();
    if disk.is_some_and(|disk| disk.syncs() != Verdict::GoOn) {
        return SQLITE_IOERR_FSYNC;
    }
    // SAFETY: the file was opened by us.
    let Some(sync) = unsafe { methods(file) }.and_then(|methods| methods.xSync) else { return SQLITE_IOERR_FSYNC };
    // SAFETY: SQLite's own function, with SQLite's own arguments.
    let code = unsafe { sync(file, flags) };
    if let (SQLITE_OK, Some(disk)) = (code, disk) {
        disk.synced(file as usize);
    }
    code
}
