// exporter_@NAME@ -- the numbers as one JSON object, a member for each sample.
//
// The kernel serves what render writes; an exporter listens to nothing. Families are a snapshot, good until render returns.
mod abi;
use abi::*;
use std::os::raw::{c_char, c_void};

// An array that may be empty, and is null then.
unsafe fn all<'a, T>(first: *const T, count: usize) -> &'a [T] {
    if count == 0 { &[] } else { std::slice::from_raw_parts(first, count) }
}

fn add_escaped(line: &mut String, text: &[u8]) {
    for c in String::from_utf8_lossy(text).chars() {
        match c {
            '"' | '\\' | '\0'..='\x1f' => line.push_str(&format!("\\u{:04x}", c as u32)),
            c => line.push(c),
        }
    }
}

unsafe extern "C" fn render(
    _: *mut c_void,
    _: Bytes,
    families: *const *const Family,
    n: usize,
    out: *const TextSink,
    content_type: *mut *const c_char,
) -> Status {
    guarded(|| {
        *content_type = b"application/json\0".as_ptr() as *const c_char;
        let mut text = String::from("{");
        for family in all(families, n).iter().map(|one| &**one) {
            for sample in all(family.samples, family.sample_count) {
                text.push_str(if text.len() == 1 { "\"" } else { ",\"" });
                add_escaped(&mut text, family.name.slice());
                for label in all(sample.labels, sample.label_count as usize) {
                    text.push(' ');
                    add_escaped(&mut text, label.name.slice());
                    text.push('=');
                    add_escaped(&mut text, label.value.slice());
                }
                text.push_str("\":");
                text.push_str(&if sample.value.is_finite() { sample.value.to_string() } else { "null".to_string() });
            }
        }
        text.push_str("}\n");
        ((*out).write)((*out).ctx, Bytes::of(text.as_bytes()))
    })
}

static TABLE: ExporterTable = ExporterTable { struct_size: std::mem::size_of::<ExporterTable>() as u32, reserved: 0, render };

unsafe extern "C" fn create(_: *const Host, _: *const c_void, out: *mut Instance, _: *mut c_void) -> Status {
    (*out).caps = EXP_CAP_PULL;
    (*out).this = out as *mut c_void; // nothing to keep: any pointer but null
    (*out).vtable = &TABLE as *const ExporterTable as *const c_void;
    OK
}

unsafe extern "C" fn destroy(_: *mut c_void) {}

static COMPONENT: Component = Component {
    struct_size: std::mem::size_of::<Component>() as u32,
    kind: KIND_EXPORTER,
    name: b"@NAME@\0".as_ptr(),
    caps: EXP_CAP_PULL,
    create,
    destroy,
    start: None,
    stop: None,
    reconfigure: None,
    health: None,
    extension: None,
};
