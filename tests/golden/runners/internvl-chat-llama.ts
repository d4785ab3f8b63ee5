export { run } from './internvl-chat-qwen2.ts'
