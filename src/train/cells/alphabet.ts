import { shapeNames } from '../../data/synthetic/shape-names.ts'

/**
 * What is learned to be seen: letters and signs of Western European, Polish and Czech print, some symbols, and coloured
 * shapes, each by its name.
 */
export const alphabet: readonly string[] = [
  ...'!"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~',
  ...'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿŒœŠšŽžĄąĆćČčĘęŁłŃńŘřŚśŻż',
  ...'€£¥§°²³·×÷±½¼¾«»¿¡©®™–—‘’“”„•…→←↑↓✓☐☑№',
  ...shapeNames,
]
