
static COMPONENTS: [&Component; 1] = [&COMPONENT];

// Found by scanning the file, so that `larder check` runs nothing of it; read here again by the kernel that loads it.
const TEXT: &[u8] =
    concat!("#<larder-manifest/1>\n", include_str!("../@KIND@_@NAME@.larder.toml"), "\n#</larder-manifest>\n\0").as_bytes();
#[used]
#[link_section = ".larder.manifest"]
static MANIFEST: [u8; TEXT.len()] = {
    let mut out = [0u8; TEXT.len()];
    let mut n = 0;
    while n < TEXT.len() {
        out[n] = TEXT[n];
        n += 1;
    }
    out
};

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static larder_plugin_abi1: Plugin = Plugin {
    magic: MAGIC,
    struct_size: std::mem::size_of::<Plugin>() as u32,
    abi_version: ABI_VERSION,
    component_count: 1,
    id: b"com.example.@DASHED@\0".as_ptr(),
    version: b"0.1.0\0".as_ptr(),
    license: b"MIT\0".as_ptr(),
    vendor: b"Example\0".as_ptr(),
    build: b"rustc\0".as_ptr(),
    manifest: MANIFEST.as_ptr(),
    manifest_size: 0,
    components: COMPONENTS.as_ptr(),
    init: None,
    deinit: None,
};
