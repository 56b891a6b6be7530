"""Everything between a request and onnxruntime: engines, queues, deadlines, other machines, strangers' models."""
