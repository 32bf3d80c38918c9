/**
 * Log-n temperature: beyond the trained length attention spreads over more keys; sharper scores hold its entropy.
 *
 *   q_i ← q_i · max(1, ln(i + 1) / ln(trained length))
 *
 * Su 2021, kexue.fm/archives/8823; as in Qwen 1 (use_logn_attn) and ReRoPE. Queries only: the cache does not depend on it.
 */
export function logNTemperature(trainedLength: number): (position: number) => number {
  const least = Math.log(trainedLength);
  return (position) => Math.max(1, Math.log(position + 1) / least);
}
