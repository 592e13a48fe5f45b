//! mistake: Pieces are collected in a variable of the future: who gives the read up, gives them up.
//! rejected by: 6.3 a_read_that_is_given_up_has_taken_nothing

mod stream_reader {
    impl StreamReader {
        pub async fn readexactly(&mut self, count: usize) -> ReadResult {
            let mut bytes = Vec::new();
            while bytes.len() < count {
                let piece = self.read(count - bytes.len()).await?;
                if piece.is_empty() {
                    return Err(ReadError::Incomplete { partial: bytes, expected: Some(count) });
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(Chunk::new(bytes))
        }
    }
}
