export { run } from './internvl-vit300m.ts'
