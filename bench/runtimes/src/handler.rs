//! What every runtime serves.

const BODY_BYTES: usize = 1024;

/// Answers every whole request at the start of `input` into `out`; says how much of the input that was.
pub fn answer(input: &[u8], out: &mut Vec<u8>) -> usize {
    let mut used = 0;
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        match request.parse(&input[used..]) {
            Ok(httparse::Status::Complete(length)) if request.path.is_some() => {
                used += length;
                out.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 1024\r\n\r\n");
                out.resize(out.len() + BODY_BYTES, b'x');
            }
            _ => return used,
        }
    }
}
