//! mistake: One read is taken for the whole: it gives what is there, which may be less.
//! rejected by: 6.3 exactly_so_many_bytes_come_in_however_many_pieces

mod stream_reader {
    impl StreamReader {
        pub async fn readexactly(&mut self, count: usize) -> ReadResult {
            let bytes = self.read(count).await?;
            if bytes.is_empty() && count > 0 {
                return Err(ReadError::Incomplete { partial: Vec::new(), expected: Some(count) });
            }
            Ok(bytes)
        }
    }
}
