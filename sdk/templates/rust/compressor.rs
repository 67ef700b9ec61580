// compressor_@NAME@ -- runs of the same byte become a count and the byte.
//
// codec_id is written into every value: what is compressed today has to be read by any later build. Take a number of your own
// from 128 to 65535 before anything is stored.
mod abi;
use abi::*;
use std::os::raw::c_void;

unsafe extern "C" fn bound(_: *mut c_void, size: usize) -> usize {
    if size > 1 << 30 { 0 } else { 2 * size + 1 }
}

unsafe extern "C" fn compress(_: *mut c_void, input: Bytes, out: *mut u8, out_size: *mut usize) -> Status {
    guarded(|| {
        let from = input.slice();
        let mut packed = Vec::with_capacity(from.len() / 2 + 1);
        let mut n = 0;
        while n < from.len() {
            let mut run = 1;
            while run < 255 && n + run < from.len() && from[n + run] == from[n] {
                run += 1;
            }
            packed.push(run as u8);
            packed.push(from[n]);
            n += run;
        }
        packed.push(0); // the end: what was cut off is found out
        if packed.len() > *out_size {
            return E_TOO_LARGE;
        }
        std::ptr::copy_nonoverlapping(packed.as_ptr(), out, packed.len());
        *out_size = packed.len();
        OK
    })
}

unsafe extern "C" fn decompress(_: *mut c_void, input: Bytes, out: *mut u8, out_size: *mut usize) -> Status {
    guarded(|| {
        let from = input.slice();
        let (mut at, mut n) = (0, 0);
        while n + 1 < from.len() && from[n] != 0 {
            let run = from[n] as usize;
            if run > *out_size - at {
                return E_CORRUPT;
            }
            std::ptr::write_bytes(out.add(at), from[n + 1], run);
            at += run;
            n += 2;
        }
        if n + 1 == from.len() && from[n] == 0 && at == *out_size { OK } else { E_CORRUPT }
    })
}

static TABLE: CompressorTable =
    CompressorTable { struct_size: std::mem::size_of::<CompressorTable>() as u32, codec_id: 60001, bound, compress, decompress, train: None };

unsafe extern "C" fn create(_: *const Host, _: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    (*out).caps = COMP_CAP_DETERMINISTIC;
    (*out).this = out as *mut c_void; // nothing to keep: any pointer but null
    (*out).vtable = &TABLE as *const CompressorTable as *const c_void;
    OK
}

unsafe extern "C" fn destroy(_: *mut c_void) {}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_COMPRESSOR,
    name: b"@NAME@\0".as_ptr(),
    caps: COMP_CAP_DETERMINISTIC,
    create,
    destroy,
    start: None,
    stop: None,
    reconfigure: None,
    health: None,
    extension: None,
};
