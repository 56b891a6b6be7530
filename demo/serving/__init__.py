"""Everything between a request and onnxruntime: engines, batching, deadlines, inference servers, the sandbox."""
