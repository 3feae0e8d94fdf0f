"""SD 3 as A1111 has it; here only what tells its fused layers."""
